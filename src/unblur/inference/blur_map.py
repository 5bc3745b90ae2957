"""The blur map: how blurred a photo is, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CELL = 16
"""Side of the square cells, in pixels."""
PLANES = ("length", "cosine", "sine", "radius", "confidence", "weight")
"""What a network measures in each cell: the first, fourth and fifth as in `BlurMap`; the cosine and
the sine of twice the direction, x to the right and y down, times `straight`; and the weight, 0 to
1: the share of the network's change that the cell should be given."""


def extent(length: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """The extent of blur: the length of the motion or the diameter of the defocus, the larger."""
    return np.maximum(length, 2 * radius)


@dataclass(frozen=True)
class BlurMap:
    """The blur measured in each cell of a photo; float32 arrays (rows, columns).

    Cell (i, j) covers rows 16 i to 16 i + 15 and columns 16 j to 16 j + 15 of the upright photo;
    the last ones may be cut by its edge.

    Attributes:
        length: of the motion during the exposure, in pixels; 0 at rest.
        angle: its direction in degrees, 0 to 180, counter-clockwise from the horizontal.
        straight: 0 to 1, how far the motion has one direction: 1 for a straight path.
        radius: of the image of a point out of focus, in pixels; 0 in focus.
        confidence: 0 to 1; 0 where there is no texture to tell the blur from.
    """

    length: np.ndarray
    angle: np.ndarray
    straight: np.ndarray
    radius: np.ndarray
    confidence: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        rows, columns = self.length.shape
        return rows, columns

    @classmethod
    def of_planes(cls, planes: np.ndarray) -> BlurMap:
        """The map of what a network measures, (`PLANES`, rows, columns)."""
        length, cosine, sine, radius, confidence, _ = planes
        # y points up in the map.
        angle = np.degrees(np.arctan2(-sine, cosine)) / 2 % 180
        straight = np.hypot(cosine, sine).clip(0, 1)
        return cls(length, angle, straight, radius, confidence)
