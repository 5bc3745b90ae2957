"""The tables of docs/inspect.md, made from the stored results."""

from __future__ import annotations

from typing import Any

from unblur.evaluate.render import pipes

PLACES = ("measures", "motion", "kinds", "little", "long")
JUDGED = 5
"""Shortest path whose direction is told in the table."""
_GROUPS = {
    "photos": "Photos as they are",
    "enlarged": "The largest, enlarged by Lanczos",
    "pairs": "Real pairs",
}


def markdown(results: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The tables by place.

    Args:
        results: by name, of `estimates.pairs`, `motion`, `kinds`, `gains.little` and `long`, those
            that there are.
    """
    found = {}
    if results.keys() & {"pairs", "motion", "kinds"}:
        found["measures"] = _measures(results)
    for name, make in (("motion", _motion), ("little", _little), ("long", _long)):
        if name in results:
            found[name] = make(results[name])
    if "kinds" in results:
        found["kinds"] = _kinds(results["kinds"], results.get("motion"))
    return found


def _measures(results: dict[str, dict[str, Any]]) -> str:
    """A row for each measure of sharpness: pairs in the right order, and rank correlations."""
    columns: dict[str, dict[str, str]] = {}
    folders = results.get("pairs", {}).get("folders", [])
    for folder in folders:
        head = f"{folder['name']}: blurred below sharp, of {folder['count']}"
        columns[head] = {name: str(n) for name, n in folder["below"].items()}
    if len(folders) > 1:
        total = sum(folder["count"] for folder in folders)
        names = folders[0]["below"]
        columns[f"all {total} pairs"] = {
            name: f"{sum(folder['below'][name] for folder in folders) / total:.1%}"
            for name in names
        }
    if motion := results.get("motion"):
        judged, every = motion["correlations"]["judged"], motion["correlations"]["all"]
        columns["path of 5 to 40 pixels"] = {n: _number(r["all"]) for n, r in judged.items()}
        columns["of 0.5 to 40"] = {n: _number(r["all"]) for n, r in every.items()}
        columns["of 0.5 to 40, within a photo"] = {
            n: _number(r["within"]) for n, r in every.items()
        }  # fmt: skip
    if other := results.get("kinds"):
        columns["radius of defocus"] = {
            n: _number(r["all"]) for n, r in other["correlations"].items()
        }
    names = dict.fromkeys(name for column in columns.values() for name in column)
    names = sorted(names, key=lambda name: not name.startswith("unblur"))
    rows = [[name, *(column.get(name, "") for column in columns.values())] for name in names]
    return pipes([["measure", *columns], *rows], "---:")


def _motion(result: dict[str, Any]) -> str:
    heads = ["path", "pixels", "estimate (quartiles)", "direction off, by cell", "by photo",
             "cells told", "score"]  # fmt: skip
    rows = [
        [
            row["path"], f"{row['length']:g}",
            f"{row['median']:.1f} ({row['low']:.1f} to {row['high']:.1f})",
            *(_degrees(row[k]) if row["length"] >= JUDGED else "" for k in ("turn", "turns")),
            f"{row['known']:.0%}", f"{row['score']:.0f}",
        ]
        for row in result["rows"]
    ]  # fmt: skip
    return pipes([heads, *rows], "---:")


def _kinds(result: dict[str, Any], motion: dict[str, Any] | None) -> str:
    """A row for each kind of picture: how many are called what."""
    cases = [("sharp", result["sharp"])]
    moved = motion["rows"] if motion else []
    cases += [(f"{x['path']} path of {x['length']:g} pixels", x) for x in moved]
    cases += [(f"out of focus, radius {x['radius']:g}", x) for x in result["defocus"]]
    cases += [(f"subject that moves by {x['length']:g}", x) for x in result["subject"]]
    names = ("none", "camera shake", "moving subject", "defocus")
    rows = [
        [about, *(str(x["called"].get(name, 0)) for name in names), f"{x['score']:.0f}"]
        for about, x in cases
    ]
    return pipes([["picture", *names, "score, median"], *rows], "---:")


def _little(result: dict[str, Any]) -> str:
    heads = ["path", "pixels", "PSNR of the input", "mean change, dB", "worst photo",
             "photos that lose more than 0.3 dB", "that come back as they were"]  # fmt: skip
    rows = [
        [
            row["path"], f"{row['length']:g}", f"{row['input']:.2f}", f"{row['mean']:+.3f}",
            f"{row['worst']:+.2f}", f"{row['losers']} of {result['photos']}", str(row["same"]),
        ]
        for row in result["rows"]
    ]  # fmt: skip
    return pipes([heads, *rows], "---:")


def _long(result: dict[str, Any]) -> str:
    """A table of mean (least) gains for each group."""
    parts = []
    for group in result["groups"]:
        title = _GROUPS[group["name"]]
        if "photos" in group:
            about = f"{len(group['photos'])}, {group['megapixels']:.1f} megapixels on average"
            title = f"{title} ({about}), moved along smooth paths"
        first = "pairs" if group["name"] == "pairs" else "path, pixels"
        rows = [[first, "input, dB", *(f"scale {scale}" for scale in result["scales"])]]
        for row in group["rows"]:
            gains = zip(row["mean"], row["least"], strict=True)
            level = row["level"]
            level = f"{level} ({row['count']})" if isinstance(level, str) else f"{level:g}"
            cells = (f"{mean:+.2f} ({least:+.2f})" for mean, least in gains)
            rows.append([level, f"{row['input']:.2f}", *cells])
        parts += [f"{title}:", pipes(rows, "---:")]
    return "\n\n".join(parts)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _degrees(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}°"
