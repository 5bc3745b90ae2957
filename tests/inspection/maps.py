"""Hand-made blur maps."""

from __future__ import annotations

import numpy as np

from unblur.inference.blur_map import BlurMap


def uniform(
    rows: int, columns: int, length: float = 0, angle: float = 0, straight: float = 1,
    radius: float = 0, confidence: float = 1,
) -> BlurMap:  # fmt: skip
    values = (length, angle, straight, radius, confidence)
    return BlurMap(*(np.full((rows, columns), value, np.float32) for value in values))
