"""The images of one pair, as the figure and the page show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHOWN = 12
"""Pairs whose pictures are kept, at most; spread evenly over the dataset."""


@dataclass(frozen=True)
class Picture:
    """Each image is (h, w, 3) uint8."""

    name: str
    blurred: np.ndarray
    sharp: np.ndarray | None
    restored: dict[str, np.ndarray]
    """By the model's name."""


def chosen(count: int, most: int = SHOWN) -> set[int]:
    """Indices of at most so many of `count` pairs, spread evenly, the first among them."""
    kept = min(count, most)
    return {index * count // kept for index in range(kept)}
