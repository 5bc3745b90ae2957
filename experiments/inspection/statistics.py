"""Rank correlations of measures with the truth, and medians of maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Sample:
    """What was measured of one picture.

    Attributes:
        photo: that it was made from.
        truth: how blurred it is.
        values: by measure; larger is sharper.
    """

    photo: str
    truth: float
    values: dict[str, float]


def correlations(samples: Sequence[Sample], least: float) -> dict[str, dict[str, float | None]]:
    """Spearman's rank correlation of each measure with the truth, its sign turned.

    Args:
        least: truth of the samples that are taken.

    Returns:
        By measure: "all", over all pictures; "within", the mean over the photos, so that their
        content does not count. None where a measure does not vary.
    """
    taken = [sample for sample in samples if sample.truth >= least]
    photos = dict.fromkeys(sample.photo for sample in taken)
    found = {}
    for name in taken[0].values:
        each = [_correlation([s for s in taken if s.photo == photo], name) for photo in photos]
        known = [r for r in each if r is not None]
        within = float(np.mean(known)) if known else None
        found[name] = {"all": _correlation(taken, name), "within": within}
    return found


def median(values: np.ndarray, weights: np.ndarray) -> float:
    """The weighted median; 0 without any weight."""
    order = np.argsort(values, axis=None)
    total = weights.ravel()[order].cumsum()
    if not total[-1] > 0:
        return 0.0
    return float(values.ravel()[order][np.searchsorted(total, total[-1] / 2)])


def _correlation(samples: Sequence[Sample], name: str) -> float | None:
    values = np.array([sample.values[name] for sample in samples])
    truths = np.array([sample.truth for sample in samples])
    known = np.isfinite(values)
    values, truths = values[known], truths[known]
    if len(values) < 2 or not np.ptp(values) or not np.ptp(truths):
        return None
    result: Any = stats.spearmanr(values, truths)
    return -float(result.statistic)
