"""Splits an image into overlapping tiles and merges what comes back with feathered seams."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

T = TypeVar("T")
R = TypeVar("R")

Read = Callable[[slice, slice], np.ndarray]
"""The part of an image in some rows and columns, (h, w, c)."""


def run_tiled(
    operator: Callable[[np.ndarray], np.ndarray],
    read: Read,
    shape: tuple[int, int],
    tile: int,
    overlap: int,
    multiple: int,
    workers: int = 1,
) -> Iterator[tuple[slice, np.ndarray]]:
    """The operator's output for an image of any size, from the top to the bottom.

    No more than a row of tiles is held, whatever the image's height.

    Args:
        operator: takes a tile, (h, w, c), and returns float32 (h, w, any).
        read: what tiles are read with.
        shape: height and width of the image, 1 at least.
        tile: largest side of a tile; an image that fits is one tile.
        overlap: pixels that neighbouring tiles share; in the middle of them one fades into the
            other.
        multiple: every tile starts at a multiple of it, so that what has a grid of this size
            (strides, cells) has the same in every tile.
        workers: tiles at work at once.

    Returns:
        Pairs of rows and the output in them, all columns.

    Raises:
        ValueError: if a tile is not larger than twice the overlap.
    """
    height, width = shape
    columns = list(spans(width, tile, overlap, multiple))
    rows = list(spans(height, tile, overlap, multiple))
    begun: np.ndarray | None = None

    def run(area: tuple[tuple[slice, np.ndarray], tuple[slice, np.ndarray]]) -> np.ndarray:
        (y, _), (x, _) = area
        return operator(read(y, x))

    with ThreadPoolExecutor(workers) as pool:
        done = _in_order(pool, run, itertools.product(rows, columns), workers + 1)
        for index, (y, fade_y) in enumerate(rows):
            strip = None
            for x, fade_x in columns:
                part = next(done)
                if strip is None:
                    strip = np.zeros((y.stop - y.start, width, part.shape[2]), np.float32)
                    if begun is not None:
                        strip[: len(begun)] = begun
                strip[:, x] += part * (fade_y[:, None] * fade_x)[..., None]
            assert strip is not None
            end = rows[index + 1][0].start if index + 1 < len(rows) else height
            begun = strip[end - y.start :].copy()
            yield slice(y.start, end), strip[: end - y.start]
            del strip


def spans(
    length: int, tile: int, overlap: int, multiple: int = 1
) -> Iterator[tuple[slice, np.ndarray]]:
    """The tiles along one side, and their weights.

    As few as fit, of one length but for the last, which may be shorter. The weights add up to 1
    everywhere. They rise and fall linearly over the middle third of an overlap: what is nearer to
    a tile's border than a third of it saw too little of its surroundings, and is not used.

    Raises:
        ValueError: if a tile is not larger than twice the overlap.
    """
    tile -= tile % multiple
    overlap += -overlap % multiple
    if tile <= 2 * overlap:
        raise ValueError(f"a tile must be larger than {2 * overlap}, twice the overlap")
    count = max(1, math.ceil((length - overlap) / (tile - overlap)))
    size = math.ceil((length + (count - 1) * overlap) / count)
    if count > 1:
        size += -size % multiple
        # Rounded up, the tiles may cover the length with one fewer.
        count = math.ceil((length - overlap) / (size - overlap))
    rise = ((np.arange(overlap, dtype=np.float32) + 0.5) * 3 / max(1, overlap) - 1).clip(0, 1)
    for index in range(count):
        start = index * (size - overlap)
        weights = np.ones(min(size, length - start), np.float32)
        if index > 0:
            weights[:overlap] *= rise
        if index < count - 1:
            weights[size - overlap :] *= 1 - rise
        yield slice(start, start + len(weights)), weights


def run_padded(
    network: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    multiple: int,
    least: tuple[int, int] = (1, 1),
) -> np.ndarray:
    """The network's output for an image of any size.

    Args:
        network: takes and returns float32 (1, c, h, w), h and w multiples of `multiple`.
        image: float32 (h, w, c); it is padded by reflection to the right and at the bottom.
        least: height and width that the network is given at least.
    """
    height, width = image.shape[:2]
    wanted = (max(n, side) for n, side in zip((height, width), least, strict=True))
    pads = [(0, n + -n % multiple - side) for n, side in zip(wanted, (height, width), strict=True)]
    pads.append((0, 0))
    # np.pad reflects again and again where a side is shorter than its padding; a side of one
    # pixel has nothing to reflect, and repeats.
    padded = np.pad(image, pads, mode="reflect") if any(p[1] for p in pads) else image
    out = network(np.ascontiguousarray(padded.transpose(2, 0, 1)[None]))
    return out[0].transpose(1, 2, 0)[:height, :width]


def _in_order(
    pool: ThreadPoolExecutor, run: Callable[[T], R], items: Iterator[T], ahead: int
) -> Iterator[R]:
    """As `pool.map`, but only so many are begun before they are asked for."""
    begun: deque[Future[R]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(run, item))
            if len(begun) == ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()
