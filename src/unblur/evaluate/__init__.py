"""Measures models on the same images; writes tables, JSON, a figure and a page.

`models` opens what is measured; `measure`, `statistics` and
`cost` measure; `tables` says which tables there are and `render` how they look; `page`, `figure`
and `crops` show images.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

from rich.console import Console

from unblur import __version__, metrics, photo
from unblur.datasets import Dataset, find_dataset, find_photos, has_pairs
from unblur.errors import CostError, DataError, Hint, UnblurError
from unblur.evaluate import cost, figure, page, render, statistics, tables
from unblur.evaluate.measure import Picture, measure
from unblur.evaluate.models import Candidate, Runtime, open_candidates
from unblur.metrics import Metric

__all__ = ["Outputs", "run"]


@dataclass(frozen=True)
class Outputs:
    """Files to write; those that are None are not."""

    json: Path | None = None
    markdown: Path | None = None
    html: Path | None = None
    figure: Path | None = None

    def __iter__(self) -> Iterator[Path]:
        return filter(None, (self.json, self.markdown, self.html, self.figure))

    def check(self) -> None:
        """Makes the folders of the files.

        Raises:
            UnblurError: if a file cannot be written there.
        """
        for path in self:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UnblurError(f"cannot be written ({error.strerror})", file=path) from None
            if path.is_dir():
                raise UnblurError("is a folder; name a file to write", file=path)


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
    trust: bool = False,
    costs: bool = True,
    outputs: Outputs | None = None,
    advance: Callable[[int, int | None], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Measures models on a dataset, writes the outputs, and prints the tables.

    Args:
        root: the dataset, see `find_dataset`; a folder of photos, if no metric needs a truth.
        models: see `open_candidates`.
        protocol: "full" or "paper"; None measures both where there is ground truth.
        layout: a name of `LAYOUTS`, "photos" for photos without ground truth, or "auto".
        metric_names: see `metrics.load`; gains, wins and the worst image go by the first.
        costs: whether time, memory, parameters and multiplications are measured too.
        advance: called with the images done, of all models and protocols, and their number.

    Returns:
        What the JSON file holds: the first protocol's result (see `measure`, `add_statistics` and
        `cost.of`) with the conditions of the run, and under "others" the second's.

    Raises:
        DataError, MetricError, ModelError, CheckpointError: for unusable inputs.
        UnblurError: if a file cannot be written.
    """
    outputs = outputs or Outputs()
    outputs.check()
    chosen = metrics.load(metric_names)
    dataset = _find(root, blur, layout, chosen)
    protocols = [protocol] if protocol else metrics.PROTOCOLS if dataset.has_truth else ["full"]
    pictures: list[Picture] = []
    results: list[dict[str, Any]] = []
    with open_candidates(models, runtime, tile, trust) as candidates:
        total = len(dataset.pairs) * (len(candidates) + 1) * len(protocols)
        done = count()

        def step() -> None:
            advance(next(done), total)

        step()
        for name in protocols:
            show = pictures.append if not results and (outputs.figure or outputs.html) else None
            result = measure(dataset, candidates, name, chosen, step, show)
            statistics.add_statistics(result, chosen)
            results.append({**result, **_about(dataset, candidates, chosen)})
        if costs:
            _add_costs(results, candidates)
    shown = [table for result in results for table in tables.of_protocol(result, chosen)]
    shown += tables.costs(results[0]) + [tables.cited()] * (dataset.name == "GoPro")
    whole = {**results[0], "others": results[1:]}
    _report(outputs, whole, chosen, shown, pictures)
    return whole


def _find(root: Path, blur: str, layout: str, chosen: Sequence[Metric]) -> Dataset:
    demanding = [m.name for m in chosen if m.needs_truth]
    if demanding and layout == "photos":
        reason = f"{', '.join(demanding)} cannot be measured without sharp images"
        raise DataError(reason, file=root, hint=Hint("metric", ("niqe",)))
    if layout == "photos" or (layout == "auto" and not demanding and not has_pairs(root, blur)):
        return find_photos(root)
    return find_dataset(root, "test", blur, layout)


def _about(
    dataset: Dataset, candidates: Sequence[Candidate], chosen: Sequence[Metric]
) -> dict[str, Any]:
    packages = ("numpy", "openvino", "scikit-image")
    versions = {"unblur": __version__, **{name: version(name) for name in packages}}
    conditions = [
        "restored images are rounded to 8 bit before they are measured; no border is cropped",
        *(f"{m.title}: {m.version}" for m in chosen),
        *(c.about for c in candidates),
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
        "conditions": [*conditions, *filter(None, [dataset.note])],
        "versions": versions,
    }


def _add_costs(results: list[dict[str, Any]], candidates: Sequence[Candidate]) -> None:
    """Adds "cost" to each model's rows, or a condition if it cannot be measured."""
    for index, candidate in enumerate(candidates, 1):
        try:
            found = cost.of(candidate.spec)
        except CostError as error:
            for result in results:
                result["conditions"].append(str(error))
        else:
            for result in results:
                result["models"][index]["cost"] = found


def _report(
    outputs: Outputs,
    whole: dict[str, Any],
    chosen: Sequence[Metric],
    shown: Sequence[render.Table],
    pictures: Sequence[Picture],
) -> None:
    if outputs.json:
        photo.save(json.dumps(whole, indent=1).encode(), outputs.json, overwrite=True)
    if outputs.markdown:
        photo.save(
            render.markdown(shown).encode(errors="backslashreplace"),
            outputs.markdown,
            overwrite=True,
        )
    if outputs.figure:
        figure.draw(pictures, outputs.figure)
    if outputs.html:
        page.write(whole, chosen, pictures, outputs.html)
    console = Console(width=None if Console().is_terminal else 160)
    for table in shown:
        for part in render.text(table):
            console.print(part, markup=False, highlight=False)
    for path in outputs:
        console.print(str(path), markup=False, highlight=False, soft_wrap=True)
