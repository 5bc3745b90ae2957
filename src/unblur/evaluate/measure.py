"""Measures models on the images of a dataset, all on the same images in one pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unblur import metrics
from unblur.datasets import Dataset, Pair, evenly, read_rgb
from unblur.errors import DataError
from unblur.evaluate.models import Candidate
from unblur.metrics import Metric

BLURRED = "blurred"
"""Name of the row that measures the input itself."""
SHOWN = 12
"""Pairs whose pictures are shown, at most."""


@dataclass(frozen=True)
class Picture:
    """The versions of one image; arrays are (h, w, 3) uint8 of one size.

    Attributes:
        sharp: None in a dataset without ground truth.
        restored: by the name of the model in the result.
    """

    name: str
    blurred: np.ndarray
    sharp: np.ndarray | None = None
    restored: dict[str, np.ndarray] = field(default_factory=dict)


def measure(
    dataset: Dataset,
    candidates: Sequence[Candidate],
    protocol: str,
    chosen: Sequence[Metric],
    advance: Callable[[], None] = lambda: None,
    show: Callable[[Picture], None] | None = None,
) -> dict[str, Any]:
    """Scores of the blurred input and of each model, rounded to 8 bit, over all pixels.

    Each result is aligned with the truth as the dataset prescribes. Where an image has several
    truths, the one of the highest PSNR counts for every metric. Without ground truth only metrics
    that need none can be measured.

    Args:
        protocol: "full": native size; "paper": both images to 256 x 256 by area first.
        chosen: the metrics.
        advance: called after each image of each model.
        show: called with the pictures of at most `SHOWN` pairs.

    Returns:
        `{"protocol", "models": [{"name", "mean": {metric: value}, "images": [{"name", metric:
        value}]}]}`, the first model being the blurred input. Equal images count as 100 dB.

    Raises:
        DataError: if an image cannot be read or differs in size from its truth.
        ModelError: if a model fails.
    """
    restorers = {BLURRED: lambda image: image, **{c.spec.name: c.restore for c in candidates}}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in restorers}
    shown = evenly(range(len(dataset.pairs)), SHOWN) if show else []
    for index, pair in enumerate(dataset.pairs):
        blurred, truths = _read(pair, protocol, dataset.has_truth)
        restored = {}
        for name, restore in restorers.items():
            image = restored[name] = restore(blurred)
            rows[name].append({"name": pair.name, **_scores(image, truths, dataset, chosen, pair)})
            advance()
        if show and index in shown:
            del restored[BLURRED]
            sharp = truths[0] if dataset.has_truth else None
            show(Picture(pair.name, blurred, sharp, restored))
    return {
        "protocol": protocol,
        "models": [
            {
                "name": name,
                "mean": {m.name: float(np.mean([i[m.name] for i in images])) for m in chosen},
                "images": images,
            }
            for name, images in rows.items()
        ],
    }


def _read(pair: Pair, protocol: str, has_truth: bool) -> tuple[np.ndarray, list[np.ndarray]]:
    """The blurred image and its truths; the blurred image itself where there is none."""
    blurred = read_rgb(pair.blur)
    paths = (pair.sharp, *pair.others) if has_truth else ()
    truths = [_read_truth(path, pair.blur, blurred) for path in paths] or [blurred]
    if protocol == "paper":
        side = metrics.PAPER_SIZE
        blurred = metrics.resize_by_area(blurred, side, side)
        truths = [metrics.resize_by_area(truth, side, side) for truth in truths]
    return blurred, truths


def _read_truth(path: Path, blur: Path, blurred: np.ndarray) -> np.ndarray:
    truth = read_rgb(path)
    if truth.shape != blurred.shape:
        sizes = [f"{x.shape[1]}x{x.shape[0]}" for x in (blurred, truth)]
        raise DataError(
            f"{sizes[0]}, but its truth {path} is {sizes[1]}; the images of a pair have one size",
            file=blur,
        )
    return truth


def _scores(
    image: np.ndarray,
    truths: list[np.ndarray],
    dataset: Dataset,
    chosen: Sequence[Metric],
    pair: Pair,
) -> dict[str, float]:
    compared = [dataset.comparable(pair, image, truth) for truth in truths]
    best = max(compared, key=lambda c: metrics.psnr(*c)) if len(compared) > 1 else compared[0]
    scores = {metric.name: metric.measure(*best) for metric in chosen}
    return {name: metrics.EQUAL if x == math.inf else float(x) for name, x in scores.items()}
