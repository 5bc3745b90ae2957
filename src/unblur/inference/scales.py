"""Looks at a photo from afar: where it is blurred, and at which scale to deblur each place."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unblur.inference.blend import Source
from unblur.inference.blur_map import CELL, extent
from unblur.inference.contract import MeasuringNetwork
from unblur.inference.gate import blurred_share
from unblur.inference.measure import in_tiles, measure
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
SHARP, BLURRED = 4.0, 8.0
"""Extents in pixels (the length of the motion, or the diameter of the defocus) up to which a place
looks sharp from afar, and from which it looks blurred."""
SUSPECT = 2.0, 4.0
"""The same for a noisy picture, where at full size there is nothing better to go by."""
SAMPLE = 320
"""Side of the samples that tell how much of a large photo is blurred, in pixels."""
MANY = 2**22
"""Pixels from which a photo has nine samples; a smaller one has four."""
LITTLE = 0.02
"""A scale that has a smaller share everywhere is left out."""


@dataclass(frozen=True)
class ScaleMap:
    """The share that each scale has in a result, place by place; they add up to 1.

    Attributes:
        weights: float32 (i, j) for each scale that has a share, of square cells.
        cell: side of a cell, in pixels of the full size.
        extent: float32 (i, j), the binary logarithm of the extent of the blur as seen from afar, in
            pixels; None: not looked.
        blurred_share: share of the photo that is blurred, by samples at its full size.
    """

    weights: dict[float, np.ndarray]
    cell: float
    extent: np.ndarray | None = None
    blurred_share: float = 1.0

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

    def blurred_at(
        self, rows: slice, columns: slice, ratio: float = 1.0, noisy: float = 0.0
    ) -> np.ndarray | float:
        """Whether pixels look blurred from afar, 0 to 1, as `at`; 1 if that was not looked at.

        Args:
            noisy: whether `SUSPECT` counts, not `SHARP` and `BLURRED`; 0 to 1.
        """
        if self.extent is None:
            return 1.0
        # Of the cells: of all pixels it would take as long as a tenth of the network.
        plain, noise = (
            np.interp(self.extent, np.log2(between), [0, 1])
            for between in ((SHARP, BLURRED), SUSPECT)
        )
        cells = (plain + noisy * (noise - plain)).astype(np.float32)
        return cells_at(cells, rows, columns, self.cell * ratio)[..., None]


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
    length = _smooth(planes[0], planes[4])
    seen = _smooth(extent(planes[0], planes[3]), planes[4]).astype(np.float32)
    side = min(source.shape[:2])
    scales = [scale for scale in LENGTHS if scale == 1 or side * scale >= LEAST]
    nodes = np.log2([LENGTHS[scale] for scale in scales])
    shares = [np.interp(length, nodes, one).astype(np.float32) for one in np.eye(len(nodes))]
    kept = [(scale, x) for scale, x in zip(scales, shares, strict=True) if x.max() > LITTLE]
    total = sum(share for _, share in kept)
    weights = {scale: x / total for scale, x in kept}
    return ScaleMap(weights, CELL / OVERVIEW, seen, _sampled(network, run, source, tile))


def _sampled(
    network: MeasuringNetwork, run: Callable[[np.ndarray], np.ndarray], source: Source, tile: int
) -> float:
    """The share of a photo that is blurred, of samples at its full size, spread evenly.

    A photo of one tile needs none: its tile tells.
    """
    height, width = source.shape[:2]
    if max(height, width) <= tile:
        return 1.0
    across = 2 if height * width < MANY else 3
    found = []
    for y, x in itertools.product(*(_spread(side, across) for side in (height, width))):
        planes = in_tiles(network, run, source[y, x], SAMPLE)
        found.append(planes.reshape(len(planes), 1, -1))
    return blurred_share(np.concatenate(found, axis=2))


def _spread(side: int, count: int) -> list[slice]:
    """Ranges of `SAMPLE` pixels, or of all that there are, evenly spaced along a side."""
    length = min(side, SAMPLE)
    starts = {round(k * (side - length) / (count - 1)) for k in range(count)}
    return [slice(start, start + length) for start in sorted(starts)]


def _smooth(pixels: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The binary logarithm of lengths, averaged around each cell, weighted by the confidence."""
    logarithm, confidence = np.log2(np.maximum(pixels, 1.0)), confidence**2
    total = _around(confidence)
    near = _around(confidence * logarithm) / np.maximum(total, 1e-6)
    # Without texture there is nothing to see: as in the rest of the picture.
    overall = float((confidence * logarithm).sum() / max(float(confidence.sum()), 1e-6))
    known = (total / 2).clip(0, 1)
    return near * known + overall * (1 - known)


def _around(cells: np.ndarray) -> np.ndarray:
    """The sum over the square of cells around each, the outer ones repeated."""
    padded = np.pad(cells, AROUND, mode="edge")
    for axis in (0, 1):
        padded = np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1, axis).sum(-1)
    return padded
