"""Measures the blur of an image of any size with a network, at several scales."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from unblur.inference.blend import Source, colours_of
from unblur.inference.blur_map import CELL, PLANES
from unblur.inference.contract import MeasuringNetwork
from unblur.inference.resample import Reduced, enlarge_cells
from unblur.inference.tiling import padded, run_tiled

STEP = 2
"""Ratio of a scale to the next smaller one."""
SMALLEST = 96
"""Least side, in pixels, of an image that is measured at a smaller scale too."""
LONG, LONGER = 20.0, 36.0
"""Lengths, or four radii, in pixels of the image measured, from which the smaller scale takes over,
and from which it alone counts; longer motion leaves nothing in what a network sees around."""


def measure(
    network: MeasuringNetwork,
    run: Callable[[np.ndarray], np.ndarray],
    source: Source,
    scale: float,
    tile: int,
) -> np.ndarray:
    """What a network measures in an image, lengths and radii in pixels of its full size.

    The image is measured at a scale and at a half of it, a quarter, ..., as long as it has pixels;
    where the motion is long, or only the smaller scale is sure, that counts.

    Args:
        run: the network's `blur`, or what gives the same.
        scale: 0 to 1.
        tile: largest side given to the network at once, in pixels.

    Returns:
        float32 (`PLANES`, i, j), of cells of `CELL / scale` pixels.
    """
    image = source if scale == 1 else Reduced(source, scale)
    planes = in_tiles(network, run, image, tile)
    planes[[0, 3]] /= scale
    if min(image.shape[:2]) < STEP * SMALLEST:
        return planes
    coarse = measure(network, run, source, scale / STEP, tile)
    coarse = enlarge_cells(coarse.transpose(1, 2, 0), planes.shape[1:], STEP).transpose(2, 0, 1)
    extent = np.maximum(coarse[0], 4 * coarse[3]) * scale
    share = ((extent - LONG) / (LONGER - LONG)).clip(0, 1) * (coarse[4] > 0.5)
    share = np.maximum(share, (2 * (coarse[4] - planes[4])).clip(0, 1))
    mixed = planes * (1 - share) + coarse * share
    # Whether a little blur is worth a change is measured at the larger scale alone.
    mixed[-1] = planes[-1]
    return mixed


def in_tiles(
    network: MeasuringNetwork, run: Callable[[np.ndarray], np.ndarray], image: Source, tile: int
) -> np.ndarray:
    """What a network measures in an image at its own scale alone; see `measure`."""
    contract, (height, width) = network.contract, image.shape[:2]
    cells = (math.ceil(height / CELL), math.ceil(width / CELL))

    def read(y: slice, x: slice) -> np.ndarray:
        rows, columns = (
            slice(s.start * CELL, min(s.stop * CELL, side)) for s, side in ((y, height), (x, width))
        )
        return image[rows, columns]

    def measured(pixels: np.ndarray) -> np.ndarray:
        rgb = np.broadcast_to(colours_of(pixels), (*pixels.shape[:2], 3))
        least = (contract.smallest, contract.smallest)
        found = run(padded(rgb.clip(0, 1) * 2 - 1, contract.multiple, least))[0]
        rows, columns = (math.ceil(n / CELL) for n in pixels.shape[:2])
        return found[:, :rows, :columns].transpose(1, 2, 0)

    overlap = min(contract.overlap, tile // 4) // CELL
    strips = run_tiled(measured, read, cells, tile // CELL, overlap, 1, network.parallel + 1)
    out = np.empty((len(PLANES), *cells), np.float32)
    for rows, strip in strips:
        out[:, rows] = strip.transpose(2, 0, 1)
    return out
