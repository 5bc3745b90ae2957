"""The change mask: leaves regions as they are that the network would change invisibly."""

from __future__ import annotations

import numpy as np

from unblur.inference.blur_map import CELL
from unblur.inference.resample import enlarge_cells

LOWER_THRESHOLD = 1.0 / 255
"""Root mean square, full scale = 1, up to which a change is left out (docs/model-card.md)."""
UPPER_THRESHOLD = 2.0 / 255
"""Root mean square from which a change is applied in full."""


def change_mask(change: np.ndarray) -> np.ndarray:
    """The share of a network's change to apply at each pixel, 0 to 1.

    A network changes sharp regions a little too, to no use. The mask depends on the root mean
    square of the change over the 3 x 3 cells around a pixel: it is exactly 0 up to
    `LOWER_THRESHOLD`, so that the region stays the same to the bit, and 1 from `UPPER_THRESHOLD`.

    Args:
        change: float32 (h, w, c), full scale = 1.

    Returns:
        float32 (h, w, 1).
    """
    height, width = change.shape[:2]
    rows, columns = np.arange(0, height, CELL), np.arange(0, width, CELL)
    # As np.square(change).mean(2), several times faster.
    energy = np.einsum("hwc,hwc->hw", change, change) / change.shape[2]
    cells = np.add.reduceat(np.add.reduceat(energy, rows, 0), columns, 1)
    cells /= np.outer(np.diff(rows, append=height), np.diff(columns, append=width))
    level = np.sqrt(_mean_of_three(_mean_of_three(cells).T).T)
    mask = (level - LOWER_THRESHOLD) / (UPPER_THRESHOLD - LOWER_THRESHOLD)
    mask = mask.clip(0, 1).astype(np.float32)
    return enlarge_cells(mask, (height, width))[..., None]


def _mean_of_three(cells: np.ndarray) -> np.ndarray:
    """Mean of each row of cells and its two neighbours; the outer rows are repeated."""
    padded = np.pad(cells, [(1, 1), (0, 0)], mode="edge")
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3
