"""Which parts of a photo need deblurring: those that the network would change visibly."""

from __future__ import annotations

import numpy as np

CELL = 16
"""Side of the squares, in pixels, over which changes are averaged."""
NOTHING = 1.0 / 255
"""Changes up to this root mean square, full scale = 1, are not made (docs/model-card.md)."""
WHOLE = 2.0 / 255
"""Changes from this on are made whole."""


def gate(change: np.ndarray) -> np.ndarray:
    """The share, 0 to 1, of a network's change that a photo should get, place by place.

    A network answers even a sharp region with small changes, which help nobody. What decides is
    the root mean square of the change over the 48 pixels around a place: up to `NOTHING` the
    share is exactly 0, so that the region comes back bit for bit; from `WHOLE` on it is 1.

    Args:
        change: (h, w, c), full scale = 1.

    Returns:
        float32 (h, w, 1).
    """
    height, width = change.shape[:2]
    rows, columns = np.arange(0, height, CELL), np.arange(0, width, CELL)
    # As np.square(change).mean(2), several times faster.
    energy = np.einsum("hwc,hwc->hw", change, change) / change.shape[2]
    cells = np.add.reduceat(np.add.reduceat(energy, rows, 0), columns, 1)
    cells /= np.outer(np.diff(rows, append=height), np.diff(columns, append=width))
    level = np.sqrt(_around(_around(cells).T).T)
    share = ((level - NOTHING) / (WHOLE - NOTHING)).clip(0, 1).astype(np.float32)
    return _enlarge(_enlarge(share, height).T, width).T[..., None]


def _around(cells: np.ndarray) -> np.ndarray:
    """Means of each row of cells and its two neighbours; the outer rows are repeated."""
    padded = np.pad(cells, [(1, 1), (0, 0)], mode="edge")
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


def _enlarge(cells: np.ndarray, length: int) -> np.ndarray:
    """From cells to `length` pixels along the first axis, linear from middle to middle."""
    place = ((np.arange(length, dtype=np.float32) + 0.5) / CELL - 0.5).clip(0, len(cells) - 1)
    before = place.astype(int)
    after = np.minimum(before + 1, len(cells) - 1)
    weight = (place - before)[:, None]
    return cells[before] * (1 - weight) + cells[after] * weight
