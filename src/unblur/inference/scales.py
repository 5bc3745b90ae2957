"""Chooses, place by place, the scale at which a photo is deblurred."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unblur.inference.blend import Source
from unblur.inference.contract import MeasuringNetwork
from unblur.inference.measure import measure
from unblur.inference.resample import cells_at

OVERVIEW = 1 / 4
"""Scale at which long motion is looked for."""
LENGTHS = {
    1.0: 42.0,
    2 / 3: 58.0,
    1 / 2: 84.0,
    1 / 3: 122.0,
    1 / 4: 165.0,
    1 / 6: 245.0,
    1 / 8: 330.0,
}
"""The length of the motion, in pixels, for which each scale is best (docs/inspect.md)."""
LEAST = 64
"""Least side, in pixels, of a picture that a network makes something of."""
AROUND = 2
"""Cells on each side over which lengths are averaged."""


@dataclass(frozen=True)
class ScaleMap:
    """The share that each scale has in a result, place by place; they add up to 1.

    Attributes:
        weights: float32 (i, j) for each scale that has a share, of square cells.
        cell: side of a cell, in pixels of the full size.
    """

    weights: dict[float, np.ndarray]
    cell: float

    @classmethod
    def of_one(cls, scale: float) -> ScaleMap:
        """The same scale everywhere."""
        return cls({scale: np.ones((1, 1), np.float32)}, 1.0)

    def shares(self) -> dict[float, float]:
        """The share of each scale in the whole image, the largest scale first."""
        return {scale: float(weight.mean()) for scale, weight in self.weights.items()}

    def at(self, scale: float, rows: slice, columns: slice, ratio: float = 1.0) -> np.ndarray:
        """A scale's share at pixels, (rows, columns, 1).

        Args:
            rows, columns: of the image at `ratio` times its size.
        """
        weight = self.weights[scale]
        if weight.size == 1:
            return weight.reshape(1, 1, 1)
        return cells_at(weight, rows, columns, self.cell * ratio)[..., None]


def choose_scales(
    network: MeasuringNetwork, run: Callable[[np.ndarray], np.ndarray], source: Source, tile: int
) -> ScaleMap:
    """The scales for an image, from the blur measured at `OVERVIEW` times its size.

    A network's strength ends at motion as long as its surroundings let it see. Made smaller, the
    motion is shorter. Between the lengths of `LENGTHS` two scales are mixed. Scales at which a side
    would be shorter than `LEAST` are left out; the smallest that is left takes their share.

    Args:
        run, tile: as `measure`.
    """
    planes = measure(network, run, source, OVERVIEW, tile)
    length = _smooth_length(planes)
    weights, side = {}, min(source.shape[:2])
    scales = [scale for scale in LENGTHS if scale == 1 or side * scale >= LEAST]
    nodes = np.log2([LENGTHS[scale] for scale in scales])
    for index, scale in enumerate(scales):
        share = np.interp(length, nodes, np.eye(len(nodes))[index]).astype(np.float32)
        if share.max() > 0:
            weights[scale] = share
    return ScaleMap(weights, 16 / OVERVIEW)


def _smooth_length(planes: np.ndarray) -> np.ndarray:
    """The binary logarithm of the length around each cell, weighted by the confidence."""
    length, confidence = np.log2(np.maximum(planes[0], 1.0)), planes[4] ** 2
    total = _around(confidence)
    near = _around(confidence * length) / np.maximum(total, 1e-6)
    # Without texture there is nothing to see: as in the rest of the picture.
    overall = float((confidence * length).sum() / max(float(confidence.sum()), 1e-6))
    known = (total / 2).clip(0, 1)
    return near * known + overall * (1 - known)


def _around(cells: np.ndarray) -> np.ndarray:
    """The sum over the square of cells around each, the outer ones repeated."""
    padded = np.pad(cells, AROUND, mode="edge")
    for axis in (0, 1):
        padded = np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1, axis).sum(-1)
    return padded
