"""The leaderboard: any models on the same images; tables, JSON, a figure and a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from unblur import __version__, metrics, photo
from unblur.datasets import Dataset, find_dataset, find_photos, has_pairs
from unblur.errors import DataError, UnblurError
from unblur.evaluate import cost, figure, measure, page, statistics, tables
from unblur.evaluate.models import Model, Runtime, opened
from unblur.evaluate.page import Picture
from unblur.metrics import Metric

__all__ = ["Outputs", "run"]


@dataclass(frozen=True)
class Outputs:
    """Files to write; those that are None are not."""

    json: Path | None = None
    markdown: Path | None = None
    html: Path | None = None
    figure: Path | None = None

    def check(self) -> None:
        """Raises UnblurError, before hours of measuring, if a file can surely not be written."""
        for path in filter(None, (self.json, self.markdown, self.html, self.figure)):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UnblurError(f"{path}: cannot be written ({error.strerror})") from None
            if path.is_dir():
                raise UnblurError(f"{path}: is a folder; name a file to write")


def run(
    root: Path,
    models: Sequence[str],
    protocol: str | None = None,
    *,
    layout: str = "auto",
    blur: str = "blur",
    metric_names: Sequence[str] = metrics.DEFAULT,
    runtime: Runtime = "onnx",
    tile: int | None = None,
    costs: bool = True,
    outputs: Outputs | None = None,
    advance: Callable[[int, int | None], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Measures models on a dataset, writes what was asked for, and prints the tables.

    Args:
        root: the dataset, see `find_dataset`; a folder of photos, if no metric needs a truth.
        models: see `models.opened`.
        protocol: "full" or "paper"; None measures both, in tables of their own, where there is
            ground truth.
        layout: a name of `LAYOUTS`, "photos" for photos without ground truth, or "auto".
        metric_names: see `metrics.load`; gains, wins and the worst image go by the first.
        costs: whether time, memory, parameters and multiplications are measured too.
        advance: called with the images done, of all models and protocols, and their number.

    Returns:
        What the JSON file holds: the first protocol's result as `measure` gives it, with
        "dataset", "count", "metrics", "conditions", "versions", to each model what
        `statistics.add` says and "cost" (see `cost.of`), and under "others" the second's.

    Raises:
        DataError, MetricError, ModelError, CheckpointError: for unusable inputs.
        UnblurError: if a file cannot be written.
    """
    outputs = outputs or Outputs()
    outputs.check()
    console = Console(width=None if Console().is_terminal else 160)
    chosen = metrics.load(metric_names)
    dataset = _find(root, blur, layout, chosen)
    both = metrics.PROTOCOLS if dataset.has_truth else ("full",)
    protocols = [protocol] if protocol else list(both)
    pictures: list[Picture] = []
    with opened(models, runtime, tile) as ready:
        total = len(dataset.pairs) * (len(ready) + 1) * len(protocols)
        done = _Counter(advance, total)
        results = []
        for index, name in enumerate(protocols):
            wanted = index == 0 and bool(outputs.figure or outputs.html)
            show = pictures.append if wanted else None
            result = measure.measure(dataset, ready, name, chosen, done, show)
            statistics.add(result, chosen)
            results.append({**result, **_about(dataset, ready, chosen)})
        notes = _add_costs(results, ready) if costs else []
    for result in results:
        result["conditions"] += notes
    sheets = _sheets(dataset, results)
    whole = {**results[0], "others": results[1:]}
    _write(outputs, whole, sheets, pictures)
    for sheet in sheets:
        for part in tables.text(sheet):
            console.print(part, markup=False, highlight=False)
    for path in (outputs.json, outputs.markdown, outputs.html, outputs.figure):
        if path:
            console.print(str(path), markup=False, highlight=False, soft_wrap=True)
    return whole


def _find(root: Path, blur: str, layout: str, chosen: Sequence[Metric]) -> Dataset:
    demanding = [m.name for m in chosen if m.needs_truth]
    if demanding and layout == "photos":
        raise DataError(f"{root}: {', '.join(demanding)} cannot be measured without sharp images; "
                        "--metric niqe can")  # fmt: skip
    if layout == "photos" or (layout == "auto" and not demanding and not has_pairs(root, blur)):
        return find_photos(root)
    return find_dataset(root, "test", blur, layout)


def _about(dataset: Dataset, ready: Sequence[Model], chosen: Sequence[Metric]) -> dict[str, Any]:
    versions = {name: version(name) for name in ("unblur", "numpy", "openvino", "scikit-image")}
    versions["unblur"] = __version__
    conditions = [
        "restored images are rounded to 8 bit before they are measured; no border is cropped",
        *(f"{m.title}: {m.version}" for m in chosen),
        *(m.about for m in ready),
        "[low, high]: 95 % of the means of "
        f"{statistics.RESAMPLES} resamplings of the images, seed {statistics.SEED}",
        "; ".join(f"{name} {number}" for name, number in versions.items()),
    ]
    return {
        "dataset": dataset.name,
        "count": len(dataset.pairs),
        "metrics": [
            {"name": m.name, "title": m.title, "better": m.better, "version": m.version}
            for m in chosen
        ],
        "conditions": [*conditions, *([dataset.note] if dataset.note else [])],
        "versions": versions,
    }


def _add_costs(results: list[dict[str, Any]], ready: Sequence[Model]) -> list[str]:
    """Adds "cost" to each model's rows; returns a line for each that could not be measured."""
    notes = []
    for model in ready:
        try:
            found = cost.of(model.source)
        except cost.CostError as error:
            notes.append(str(error))
            continue
        for result in results:
            row = next(m for m in result["models"] if m["name"] == model.source.name)
            row["cost"] = found
    return notes


def _sheets(dataset: Dataset, results: list[dict[str, Any]]) -> list[tables.Sheet]:
    sheets = [sheet for result in results for sheet in tables.sheets(result)]
    costs = tables.costs(results[0])
    cited = tables.cited() if dataset.name == "GoPro" else None
    return [*sheets, *filter(None, (costs, cited))]


def _write(
    outputs: Outputs, whole: dict[str, Any], sheets: list[tables.Sheet], pictures: list[Picture]
) -> None:
    if outputs.json:
        photo.save(json.dumps(whole, indent=1).encode(), outputs.json, overwrite=True)
    if outputs.markdown:
        photo.save(tables.markdown(sheets).encode(), outputs.markdown, overwrite=True)
    if outputs.figure:
        figure.draw(pictures, outputs.figure)
    if outputs.html:
        page.write(whole, pictures, outputs.html)


class _Counter:
    def __init__(self, advance: Callable[[int, int | None], None], total: int) -> None:
        self._advance, self._total, self._done = advance, total, 0
        advance(0, total)

    def __call__(self) -> None:
        self._done += 1
        self._advance(self._done, self._total)
