"""Statistics of scores: intervals by bootstrap, gains, win rates, the worst image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unblur.metrics import Metric

RESAMPLES = 10_000
LEVEL = 0.95
SEED = 0


def add_statistics(result: dict[str, Any], metrics: Sequence[Metric]) -> None:
    """Adds to each model of a result of `measure`, by metric:

    - "ci": [low, high], the 95 % interval of its mean;
    - "gain": mean difference from the blurred input, positive where better, and "gain_ci", its
      interval, which is narrower than the means' as images are compared with themselves;
    - "wins": by the names of the other rows, the share of images on which it is better, ties
      counting half;
    - "worst": the name of the image with the smallest gain, and that gain.

    With fewer than two images intervals are None.
    """
    rows = result["models"]
    for metric in metrics:
        sign = 1.0 if metric.better == "higher" else -1.0
        values = {r["name"]: sign * np.array([i[metric.name] for i in r["images"]]) for r in rows}
        for row in rows:
            mine = values[row["name"]]
            found: dict[str, Any] = {"ci": bootstrap(sign * mine)}
            if row is not rows[0]:
                gains = mine - values[rows[0]["name"]]
                worst = int(gains.argmin())
                found |= {
                    "gain": float(gains.mean()),
                    "gain_ci": bootstrap(gains),
                    "wins": {
                        name: win_rate(mine, x) for name, x in values.items() if x is not mine
                    },
                    "worst": {"name": row["images"][worst]["name"], "gain": float(gains[worst])},
                }
            for key, value in found.items():
                row.setdefault(key, {})[metric.name] = value


def bootstrap(values: np.ndarray) -> list[float] | None:
    """The 95 % percentile interval of the mean of values, None of fewer than two.

    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13, with a fixed seed.
    Values are taken as independent; for neighbouring frames of a video it is too narrow.
    """
    if len(values) < 2:
        return None
    from scipy.stats import bootstrap as resample

    interval = resample(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, 2**22 // len(values)),
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return [float(interval.low), float(interval.high)]


def win_rate(mine: np.ndarray, other: np.ndarray) -> float:
    """The share of values on which the first is higher; ties count half."""
    return float(np.mean((mine > other) + 0.5 * (mine == other)))
