"""`best`: the mean over the eight turns and flips of a picture (self-ensemble)."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

PASSES = 8
"""Runs of the network for one picture."""


def averaged(run: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function that averages `run` over the eight turns and flips, turned back.

    From Timofte et al. 2016, "Seven ways to improve example-based single image super resolution".
    `run` pads each by itself, so that the result turns and flips exactly as the picture does.
    Outputs are added as they come, so that one more picture is held, not eight.
    """

    def mean(picture: np.ndarray) -> np.ndarray:
        total = None
        for turns, step in itertools.product(range(4), (1, -1)):
            part = np.rot90(run(np.rot90(picture[:, ::step], turns)), -turns)[:, ::step]
            total = part.copy() if total is None else np.add(total, part, out=total)
            # Else it would be held while the next is computed.
            del part
        assert total is not None
        return total / PASSES

    return mean
