"""Metrics by their definitions, one pixel at a time."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np


def luma(pixel: np.ndarray) -> int:
    """BT.601's of an 8-bit pixel, rounded as MATLAB rounds: halves up."""
    red, green, blue = (Fraction(int(v), 255) for v in pixel)
    exact = 16 + Fraction("65.481") * red + Fraction("128.553") * green + Fraction("24.966") * blue
    return int(exact + Fraction(1, 2))


def ssim_map(x: np.ndarray, y: np.ndarray, window: np.ndarray) -> np.ndarray:
    """SSIM of two arrays under a window of as many dimensions, borders replicated (Wang 2004)."""
    radii = [n // 2 for n in window.shape]
    padded = [np.pad(a.astype(np.float64), [(r, r) for r in radii], mode="edge") for a in (x, y)]
    scores = np.empty(x.shape)
    for place in product(*map(range, x.shape)):
        part = tuple(slice(i, i + n) for i, n in zip(place, window.shape, strict=True))
        a, b = (p[part] for p in padded)
        mean_a, mean_b = (window * a).sum(), (window * b).sum()
        var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
        covariance = (window * (a - mean_a) * (b - mean_b)).sum()
        c1, c2 = 2.55**2, 7.65**2
        likeness = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        scores[place] = likeness * (2 * covariance + c2) / (var_a + var_b + c2)
    return scores


def gaussian(dimensions: int) -> np.ndarray:
    """A window of 11 points a side, sigma 1.5, whose weights sum to 1."""
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = line
    for _ in range(dimensions - 1):
        window = np.multiply.outer(window, line)
    return window / window.sum()
