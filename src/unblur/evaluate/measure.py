"""Measures models on the images of a dataset: all of them, on the same images, in one pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unblur import metrics
from unblur.datasets import Dataset, Pair, evenly, read_rgb
from unblur.errors import DataError
from unblur.evaluate.models import Model
from unblur.evaluate.page import Picture
from unblur.metrics import Metric

BLURRED = "blurred"
"""Name of the row that measures the input itself."""
SHOWN = 12
"""Pairs whose pictures are shown, at most."""


def measure(
    dataset: Dataset,
    models: Sequence[Model],
    protocol: str,
    chosen_metrics: Sequence[Metric],
    advance: Callable[[], None] = lambda: None,
    show: Callable[[Picture], None] | None = None,
) -> dict[str, Any]:
    """Scores of the blurred input and of each model, rounded to 8 bit, over all pixels.

    A dataset may bring its own alignment of each result with the truth, and several truths for
    an image: then the truth of the highest PSNR counts, for every metric. Without ground truth
    only metrics that need none can be had.

    Args:
        protocol: "full": native size; "paper": both images to 256 x 256 by area first.
        advance: called after each image of each model.
        show: called with the pictures of some pairs.

    Returns:
        `{"protocol", "models": [{"name", "mean": {metric: value}, "images": [{"name", metric:
        value}]}]}`, the first model being the blurred input. Equal images count as 100 dB.

    Raises:
        DataError: if an image cannot be read or has another size than its truth.
        ModelError: if a model fails.
    """
    restorers = {BLURRED: lambda image: image, **{m.source.name: m.restore for m in models}}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in restorers}
    shown = evenly(range(len(dataset.pairs)), SHOWN) if show else []
    for index, pair in enumerate(dataset.pairs):
        blurred, truths = _read(pair, protocol, dataset.has_truth)
        restored = {}
        for name, restore in restorers.items():
            image = restore(blurred)
            rows[name].append(
                {"name": pair.name, **_scores(image, truths, dataset, chosen_metrics, pair)}
            )
            restored[name] = image
            advance()
        if show and index in shown:
            del restored[BLURRED]
            sharp = truths[0] if dataset.has_truth else None
            show(Picture(pair.name, blurred, sharp, restored))
    return {
        "protocol": protocol,
        "models": [
            {"name": name, "mean": _means(images, chosen_metrics), "images": images}
            for name, images in rows.items()
        ],
    }


def _read(pair: Pair, protocol: str, has_truth: bool) -> tuple[np.ndarray, list[np.ndarray]]:
    blurred = read_rgb(pair.blur)
    paths = (pair.sharp, *pair.others)
    truths = [_fitting(path, pair.blur, blurred) for path in paths] if has_truth else [blurred]
    if protocol == "paper":
        side = metrics.PAPER_SIZE
        blurred = metrics.resize_by_area(blurred, side, side)
        truths = [metrics.resize_by_area(truth, side, side) for truth in truths]
    return blurred, truths


def _fitting(path: Path, blur: Path, blurred: np.ndarray) -> np.ndarray:
    truth = read_rgb(path)
    if truth.shape != blurred.shape:
        sizes = [f"{x.shape[1]}x{x.shape[0]}" for x in (blurred, truth)]
        raise DataError(
            f"{blur}: {sizes[0]}, but its truth {path} is {sizes[1]}; "
            "the images of a pair have one size"
        )
    return truth


def _scores(
    image: np.ndarray,
    truths: list[np.ndarray],
    dataset: Dataset,
    chosen_metrics: Sequence[Metric],
    pair: Pair,
) -> dict[str, float]:
    compared = [dataset.comparable(pair, image, truth) for truth in truths]
    best = max(compared, key=lambda c: metrics.psnr(*c)) if len(compared) > 1 else compared[0]
    result, truth, mask = best
    scores = {}
    for metric in chosen_metrics:
        value = metric.measure(result, truth if metric.needs_truth else None, mask)
        scores[metric.name] = metrics.EQUAL if value == math.inf else float(value)
    return scores


def _means(images: list[dict[str, Any]], chosen_metrics: Sequence[Metric]) -> dict[str, float]:
    return {m.name: float(np.mean([i[m.name] for i in images])) for m in chosen_metrics}
