"""Where a detail of a picture tells most."""

from __future__ import annotations

import numpy as np


def worst_place(image: np.ndarray, truth: np.ndarray, side: int) -> tuple[int, int, int]:
    """The square in which two pictures differ most, by the sum of squared differences.

    Args:
        image, truth: (h, w, 3) of one size.
        side: of the square, in pixels; less where a picture is smaller.

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
