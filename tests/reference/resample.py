"""Lanczos resampling as its definition reads: pixel by pixel, over the whole side, in float64."""

from __future__ import annotations

import math

import numpy as np


def resize(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """An image (h, w, c) at another height and width, centres of pixels at (n + 0.5) / side."""
    down, across = (matrix(old, new) for old, new in zip(image.shape[:2], shape[:2], strict=True))
    return np.einsum("ih,hwc,jw->ijc", down, image.astype(np.float64), across, optimize=True)


def matrix(old: int, new: int) -> np.ndarray:
    """What each of the old pixels of a side gives to each new one, (new, old)."""
    weights = np.zeros((new, old))
    wide = max(1.0, old / new)
    for i in range(new):
        for k in range(old):
            distance = (k + 0.5 - (i + 0.5) * old / new) / wide
            weights[i, k] = lanczos(distance)
    return weights / weights.sum(1, keepdims=True)


def lanczos(x: float) -> float:
    """The kernel of three lobes."""
    if x == 0:
        return 1.0
    if abs(x) >= 3:
        return 0.0
    return 3 * math.sin(math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x) ** 2
