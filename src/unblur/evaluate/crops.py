"""Finds the crop with the largest error."""

from __future__ import annotations

import numpy as np


def worst_crop(image: np.ndarray, truth: np.ndarray, side: int) -> tuple[int, int, int]:
    """The square with the largest sum of squared differences between two images.

    Args:
        image, truth: (h, w, 3) of one size.
        side: of the square, in pixels; at most the image's height and width.

    Returns:
        Top, left and side, in pixels.
    """
    height, width = truth.shape[:2]
    side = min(side, height, width)
    error = ((image.astype(np.float64) - truth) ** 2).sum(2)
    total = np.pad(error.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    y, x = np.unravel_index(sums.argmax(), sums.shape)
    return int(y), int(x), side
