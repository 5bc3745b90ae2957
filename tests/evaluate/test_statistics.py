from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unblur import metrics
from unblur.evaluate import statistics


def result(**rows: list[float]) -> dict[str, Any]:
    return {
        "models": [
            {"name": name, "images": [{"name": str(i), "psnr": v} for i, v in enumerate(values)]}
            for name, values in rows.items()
        ]
    }


def test_the_interval_is_that_of_a_mean(rng: np.random.Generator) -> None:
    """For many values it is the normal law's: 1.96 standard errors to both sides."""
    values = rng.normal(30, 2, 400)
    interval = statistics.bootstrap(values)
    assert interval is not None
    error = 1.96 * values.std() / math.sqrt(len(values))
    assert interval == pytest.approx([values.mean() - error, values.mean() + error], abs=error / 10)
    assert statistics.bootstrap(values) == interval
    assert statistics.bootstrap(values[:1]) is None


def test_gains_wins_and_the_worst_image() -> None:
    found = result(blurred=[20, 25, 30, 30], a=[22, 24, 30, 31], b=[23, 26, 31, 31])
    psnr = metrics.load(["psnr"])
    statistics.add_statistics(found, psnr)
    blurred, a, b = found["models"]
    assert "gain" not in blurred
    assert a["gain"]["psnr"] == pytest.approx(0.5)
    assert a["gain_ci"]["psnr"][0] < 0.5 < a["gain_ci"]["psnr"][1]
    assert a["wins"]["psnr"] == {"blurred": 0.625, "b": 0.125}
    assert b["wins"]["psnr"]["a"] == 1 - a["wins"]["psnr"]["b"]
    assert a["worst"]["psnr"] == {"name": "1", "gain": -1.0}
    # Every image gains the same: the gain is certain, however different the images are.
    assert statistics.bootstrap(np.full(4, 1.5)) == [1.5, 1.5]


def test_where_less_is_better_signs_turn() -> None:
    lower = [replace(metrics.load(["psnr"])[0], better="lower")]
    found = result(blurred=[0.5, 0.5], a=[0.25, 0.75])
    statistics.add_statistics(found, lower)
    a = found["models"][1]
    assert a["gain"]["psnr"] == 0
    assert a["worst"]["psnr"] == {"name": "1", "gain": -0.25}
    assert a["ci"]["psnr"] == [0.25, 0.75]
