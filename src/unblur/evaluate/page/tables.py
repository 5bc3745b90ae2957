"""The page's tables: what columns there are, how figures are written, and how they are sorted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Any

from unblur.metrics import EQUAL


def leaderboard(result: dict[str, Any]) -> str:
    """A row a model, a column a figure; the best of each column is strong."""
    if not result["models"]:
        return ""
    columns = [*quality_columns(result), *_gain_columns(result), *_cost_columns(result)]
    head = "".join(_heading(c.title, c.better) for c in columns)
    body = []
    for model in result["models"]:
        cells = "".join(_cell(column, model, result["models"]) for column in columns)
        body.append(f'<tr><th scope="row">{escape(model["name"])}</th>{cells}</tr>')
    return _table(_heading("model", "") + head, body)


@dataclass(frozen=True)
class Column:
    """A column of figures: where they are in a model's entry, and how they are written."""

    place: tuple[str, ...]
    title: str
    better: str
    """higher or lower"""
    digits: int = 2
    unit: float = 1.0

    def of(self, entry: dict[str, Any]) -> float | None:
        """The figure of a model's entry; None where it was not measured."""
        found: Any = entry
        for key in self.place:
            found = found.get(key) if isinstance(found, dict) else None
        return found / self.unit if isinstance(found, (int, float)) else None

    def of_image(self, image: dict[str, Any]) -> float | None:
        """The same figure of one image."""
        return Column(self.place[1:], "", "").of(image)

    def text(self, value: float | None) -> str:
        if value is None or math.isnan(value):
            return "-"
        equal = self.place[-1].startswith("psnr") and value == EQUAL
        return f"{value:.{self.digits}f}" if math.isfinite(value) and not equal else "∞"


_KNOWN = {
    "psnr": ("PSNR, dB", "higher"),
    "psnr-y": ("PSNR of Y, dB", "higher"),
    "ssim": ("SSIM", "higher"),
    "ssim-3d": ("SSIM, 3-D", "higher"),
    "lpips": ("LPIPS", "lower"),
    "dists": ("DISTS", "lower"),
    "niqe": ("NIQE", "lower"),
}
"""Titles for results that bring none."""


def quality_columns(result: dict[str, Any]) -> list[Column]:
    """A column for each metric that any model was measured by."""
    known = dict(_KNOWN)
    for metric in result.get("metrics") or []:
        if isinstance(metric, dict) and "name" in metric:
            title, better = known.get(metric["name"], (metric["name"], "higher"))
            lower = metric.get("better", better) == "lower"
            known[metric["name"]] = (metric.get("title", title), "lower" if lower else "higher")
    names = dict.fromkeys(name for model in result["models"] for name in model["mean"])
    columns = []
    for name in names:
        title, better = known.get(name, (name, "higher"))
        columns.append(Column(("mean", name), title, better, 3 - (name[:4] in ("psnr", "niqe"))))
    return columns


def _gain_columns(result: dict[str, Any]) -> list[Column]:
    """Of the first metric, against the first row: the blurred input."""
    models = result["models"]
    names = [c.place[1] for c in quality_columns(result)[:1]]
    columns = []
    for name in names:
        blurred = models[0]["name"]
        digits = 3 - (name[:4] in ("psnr", "niqe"))
        columns += [
            Column(("gain", name), "gain", "higher", digits),
            Column(("worst", name, "gain"), "worst image's gain", "higher", digits),
            Column(("wins", name, blurred), "images improved, %", "higher", 0, 0.01),
        ]
    return _measured(columns, models)


def _cost_columns(result: dict[str, Any]) -> list[Column]:
    columns = [
        Column(("cost", "seconds_per_megapixel"), "seconds per megapixel", "lower"),
        Column(("cost", "peak_bytes_per_megapixel"), "MiB per megapixel", "lower", 0, 2**20),
        Column(("cost", "parameters"), "parameters, millions", "lower", 1, 1e6),
        Column(("cost", "gmacs"), "GMAC", "lower", 1),
    ]
    return _measured(columns, result["models"])


def _measured(columns: list[Column], models: list[dict[str, Any]]) -> list[Column]:
    return [c for c in columns if any(c.of(m) is not None for m in models)]


def _cell(column: Column, model: dict[str, Any], models: list[dict[str, Any]]) -> str:
    value = column.of(model)
    others = [v for v in map(column.of, models) if v is not None and not math.isnan(v)]
    best = value in others and value == (max if column.better == "higher" else min)(others)
    shown = column.text(value)
    shown = f"<strong>{shown}</strong>" if best and len(models) > 1 else shown
    return f'<td data-value="{_sortable(value)}">{shown}{_below(column, model)}</td>'


def _below(column: Column, model: dict[str, Any]) -> str:
    """What stands under a figure: its interval, or the name of the worst image."""
    kind, name = column.place[:2]
    if kind == "worst" and column.of(model) is not None:
        return f"<small>{escape(str(model['worst'][name].get('name', '')))}</small>"
    interval = (model.get({"mean": "ci", "gain": "gain_ci"}.get(kind, "")) or {}).get(name)
    if not interval:
        return ""
    low, high = map(column.text, interval)
    return f"<small>{low} to {high}</small>"


def every_image(result: dict[str, Any]) -> str:
    """Every image's figures, model beside model."""
    models, columns = result["models"], quality_columns(result)
    if not models or not models[0]["images"]:
        return ""
    head = _heading("image", "") + "".join(
        _heading(f"{model['name']}: {c.title}", c.better) for model in models for c in columns
    )
    body = []
    for index, image in enumerate(models[0]["images"]):
        cells = []
        for model in models:
            for column in columns:
                value = column.of_image(model["images"][index])
                cells.append(f'<td data-value="{_sortable(value)}">{column.text(value)}</td>')
        body.append(f'<tr><th scope="row">{escape(image["name"])}</th>{"".join(cells)}</tr>')
    return f"<details><summary>Every image</summary>{_table(head, body)}</details>"


def _heading(title: str, better: str) -> str:
    arrow = {"higher": " <span>↑</span>", "lower": " <span>↓</span>"}.get(better, "")
    hint = f' title="{better} is better"' if better else ""
    return (
        f'<th scope="col" data-better="{better}"{hint}>'
        f'<button type="button">{escape(title)}{arrow}</button></th>'
    )


def _table(head: str, body: list[str]) -> str:
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _sortable(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return repr(float(value)).replace("inf", "Infinity")
