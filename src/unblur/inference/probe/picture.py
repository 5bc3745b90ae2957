"""Pictures that networks are tried with."""

from __future__ import annotations

import numpy as np


def picture_of(size: tuple[int, int]) -> np.ndarray:
    """A picture of full contrast, float32 (h, w, 3) in [0, 1]: blurred and sharp edges, texture.

    From the left to the right its contrast rises, downwards it becomes brighter: as in a photo, no
    tile is like the next one.
    """
    y, x = (np.linspace(0.2, 1, side, dtype=np.float32) for side in size)
    picture = squares(size, 64, 16, 4) * x[:, None] + 0.8 * y[:, None, None]
    left = picture[:, : size[1] // 2]
    left[:] = np.mean([np.roll(left, shift, axis=0) for shift in range(9)], axis=0)
    return picture.clip(0, 1)


def squares(size: tuple[int, int], *sides: int) -> np.ndarray:
    """The sum of squares of random colours, from -0.5 to 0.5, of these sides; float32 (h, w, 3)."""
    height, width = size
    total = np.zeros((height, width, 3), np.float32)
    for side in sides:
        random = np.random.default_rng(side)
        colours = random.random((height // side + 1, width // side + 1, 3), np.float32) - 0.5
        total += colours.repeat(side, 0).repeat(side, 1)[:height, :width]
    return total
