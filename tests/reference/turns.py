"""The eight turns and flips of a picture, (h, w, c), each spelled out beside its way back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Turn = Callable[[np.ndarray], np.ndarray]


def across(x: np.ndarray) -> np.ndarray:
    """Rows become columns."""
    return x.transpose(1, 0, 2)


EIGHT: list[tuple[Turn, Turn]] = [
    (lambda x: x, lambda x: x),
    (lambda x: x[:, ::-1], lambda x: x[:, ::-1]),
    (lambda x: x[::-1], lambda x: x[::-1]),
    (lambda x: x[::-1, ::-1], lambda x: x[::-1, ::-1]),
    (across, across),
    (lambda x: across(x)[::-1], lambda x: across(x[::-1])),
    (lambda x: across(x)[:, ::-1], lambda x: across(x[:, ::-1])),
    (lambda x: across(x)[::-1, ::-1], lambda x: across(x[::-1, ::-1])),
]


def mean_of_eight(run: Turn, picture: np.ndarray) -> np.ndarray:
    """The mean of eight results, each turned back."""
    return np.mean([back(run(there(picture))) for there, back in EIGHT], axis=0)
