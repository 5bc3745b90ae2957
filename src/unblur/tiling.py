"""Splits an image into overlapping tiles and merges what comes back with feathered seams."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np


def run_tiled(
    network: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    tile: int,
    overlap: int,
    multiple: int,
) -> np.ndarray:
    """The network's output for the whole image, computed tile by tile.

    Args:
        network: takes and returns float32 (1, c, h, w), h and w multiples of `multiple`.
        image: float32 (h, w, c) of any size.
        tile: largest side of a tile; an image that fits is one tile.
        overlap: pixels that neighbouring tiles share; over them one fades into the other.
        multiple: sides are padded to it by reflection, and cropped back.

    Raises:
        ValueError: if a tile is not larger than twice the overlap.
    """
    if tile - tile % multiple <= 2 * overlap:
        raise ValueError(f"a tile must be larger than {2 * overlap}, twice the overlap")
    height, width = image.shape[:2]
    out = np.zeros_like(image)
    for y0, y1, fade_y in spans(height, tile, overlap, multiple):
        for x0, x1, fade_x in spans(width, tile, overlap, multiple):
            done = _run_padded(network, image[y0:y1, x0:x1], multiple)
            out[y0:y1, x0:x1] += done * (fade_y[:, None] * fade_x)[..., None]
    return out


def spans(
    length: int, tile: int, overlap: int, multiple: int = 1
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Start, end and weights of the tiles along one side.

    As few tiles as fit, all of one length, which is a multiple of `multiple` if there are
    several: a tile inside the image sees its true surroundings and no padding. Their weights rise
    and fall linearly over the overlaps and add up to 1 everywhere.
    """
    tile -= tile % multiple
    count = max(1, math.ceil((length - overlap) / (tile - overlap)))
    size = math.ceil((length + (count - 1) * overlap) / count)
    if count > 1:
        size += -size % multiple
    starts = [round(i * (length - size) / max(1, count - 1)) for i in range(count)]
    for index, start in enumerate(starts):
        weights = np.ones(size, dtype=np.float32)
        if index > 0:
            shared = starts[index - 1] + size - start
            weights[:shared] = _ramp(shared)
        if index < count - 1:
            shared = start + size - starts[index + 1]
            weights[size - shared :] = 1 - _ramp(shared)
        yield start, start + size, weights


def _run_padded(
    network: Callable[[np.ndarray], np.ndarray], tile: np.ndarray, multiple: int
) -> np.ndarray:
    height, width = tile.shape[:2]
    pads = [(0, -height % multiple), (0, -width % multiple), (0, 0)]
    # np.pad reflects again and again where a side is shorter than its padding; a side of one
    # pixel has nothing to reflect, and repeats.
    padded = np.pad(tile, pads, mode="reflect") if any(p[1] for p in pads) else tile
    out = network(np.ascontiguousarray(padded.transpose(2, 0, 1)[None]))
    return out[0].transpose(1, 2, 0)[:height, :width]


def _ramp(length: int) -> np.ndarray:
    return (np.arange(length, dtype=np.float32) + 0.5) / length
