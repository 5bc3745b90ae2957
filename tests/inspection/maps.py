"""Hand-made blur maps, and a measure of blur without a network."""

from __future__ import annotations

import numpy as np

from unblur.inference.blur_map import BlurMap
from unblur.inspection import Inspection


def uniform(
    rows: int, columns: int, length: float = 0, angle: float = 0, straight: float = 1,
    radius: float = 0, confidence: float = 1,
) -> BlurMap:  # fmt: skip
    values = (length, angle, straight, radius, confidence)
    return BlurMap(*(np.full((rows, columns), value, np.float32) for value in values))


def brightness(_: object, source: np.ndarray) -> Inspection:
    """Stands for `inspect_source`: the score is the brightest sample, the blur lies at 45 degrees.

    So that what is to be found is known, and costs nothing.
    """
    height, width = source.shape[:2]
    score = min(int(source[0:height, 0:width].max()), 100)
    blur = uniform(-(-height // 16), -(-width // 16), length=12, angle=45)
    return Inspection(score, 1.0, 12.0, 45.0, 0.0, "camera shake", width, height, blur)
