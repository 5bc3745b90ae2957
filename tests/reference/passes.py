"""Deblurring at several scales as its definition reads: whole images, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tests.reference.resample import resize

Run = Callable[[np.ndarray], np.ndarray]


def change(
    image: np.ndarray, run: Run, shares: Mapping[float, np.ndarray], cell: float
) -> np.ndarray:
    """What a network adds to an image (h, w, 3) in [0, 1] at each scale, weighted, together.

    Args:
        run: the network, of (1, 3, h, w) in [-1, 1], which needs no padding.
        shares: of each scale, (i, j), of cells of `cell` pixels of the image.
    """
    height, width, _ = image.shape
    total = np.zeros(image.shape)
    for scale, share in shares.items():
        small = image
        if scale != 1:
            sides = (round(height * scale), round(width * scale))
            small = resize(image, sides).clip(0, 1)
        restored = run(2 * small.transpose(2, 0, 1)[None] - 1)[0].transpose(1, 2, 0) / 2 + 0.5
        added = (restored - small) * at(share, small.shape[:2], cell * scale)[..., None]
        total += added if scale == 1 else resize(added, (height, width))
    return total


def at(cells: np.ndarray, shape: tuple[int, int], cell: float) -> np.ndarray:
    """Values of cells at pixels, linear between their middles."""
    y, x = ((np.arange(n) + 0.5) / cell - 0.5 for n in shape)
    lines = np.stack([np.interp(x, np.arange(len(line)), line) for line in cells])
    columns = [np.interp(y, np.arange(len(column)), column) for column in lines.T]
    return np.stack(columns, axis=1)
