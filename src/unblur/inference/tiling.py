"""Splits an image into overlapping tiles and merges the results with feathered seams."""

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


def run_tiled(
    operator: Callable[[T], np.ndarray],
    read: Callable[[slice, slice], T],
    shape: tuple[int, int],
    tile: int,
    overlap: int,
    multiple: int,
    workers: int = 1,
    margin: int | None = None,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Applies an operator to an image of any size, tile by tile.

    No more than a row of tiles is held, whatever the image's height.

    Args:
        operator: takes a tile and returns float32 (h, w, any).
        read: reads a tile: the part of an image in some rows and columns, (h, w, c).
        shape: height and width of the image, at least 1.
        tile: largest side of a tile, in pixels; an image that fits is one tile.
        overlap: pixels that neighbouring tiles share; in the middle of them one fades into the
            other.
        multiple: every tile starts at a multiple of it, so that strides and cells of this size
            have the same grid in every tile.
        workers: tiles that are computed at once.
        margin: as in `spans`.

    Yields:
        From top to bottom: rows, and the output in them for all columns.

    Raises:
        ValueError: if a tile is too small for the overlap.
    """
    height, width = shape
    columns = list(spans(width, tile, overlap, multiple, margin))
    rows = list(spans(height, tile, overlap, multiple, margin))
    # The rows shared with the next row of tiles, so far.
    carried: np.ndarray | None = None
    tiles = ((y, x) for (y, _), (x, _) in itertools.product(rows, columns))
    with ThreadPoolExecutor(workers) as pool:
        done = _in_order(pool, lambda tile: operator(read(*tile)), tiles, workers + 1)
        for index, (y, fade_y) in enumerate(rows):
            strip = None
            for x, fade_x in columns:
                part = next(done)
                if strip is None:
                    strip = np.zeros((y.stop - y.start, width, part.shape[2]), np.float32)
                    if carried is not None:
                        strip[: len(carried)] = carried
                strip[:, x] += part * (fade_y[:, None] * fade_x)[..., None]
            assert strip is not None
            end = rows[index + 1][0].start if index + 1 < len(rows) else height
            carried = strip[end - y.start :].copy()
            yield slice(y.start, end), strip[: end - y.start]
            del strip


def spans(
    length: int, tile: int, overlap: int, multiple: int = 1, margin: int | None = None
) -> Iterator[tuple[slice, np.ndarray]]:
    """The tiles along one side of an image, and their weights.

    There are as few as possible, of equal length except the last, which may be shorter. The
    weights add up to 1 everywhere. They rise and fall linearly over the middle of an overlap; the
    rest of it, where the operator sees too little of the surroundings, is not used.

    Args:
        margin: pixels at a cut edge that are not used; by default a third of the overlap.

    Yields:
        From the start: the tile's range, and float32 weights of the same length.

    Raises:
        ValueError: if a tile is not larger than the overlap and twice the part of it in which the
            weights rise.
    """
    tile -= tile % multiple
    overlap += -overlap % multiple
    unused = overlap / 3 if margin is None else margin
    ramp = overlap - 2 * unused
    if tile <= overlap + 2 * ramp:
        least = math.floor(overlap + 2 * ramp)
        raise ValueError(f"a tile must be larger than {least} for an overlap of {overlap}")
    count = max(1, math.ceil((length - overlap) / (tile - overlap)))
    size = math.ceil((length + (count - 1) * overlap) / count)
    if count > 1:
        size += -size % multiple
        # Rounded up, the tiles may cover the length with one fewer.
        count = math.ceil((length - overlap) / (size - overlap))
    rise = ((np.arange(overlap) + 0.5 - unused) / max(1, ramp)).clip(0, 1).astype(np.float32)
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
    """Runs a network on an image of any size, padded as `padded` does.

    Args:
        network: takes and returns float32 (1, c, h, w), h and w multiples of `multiple`.
        image: float32 (h, w, c).
        least: least height and width to pad to.

    Returns:
        float32 (h, w, c).
    """
    height, width = image.shape[:2]
    out = network(padded(image, multiple, least))
    return out[0].transpose(1, 2, 0)[:height, :width]


def padded(image: np.ndarray, multiple: int, least: tuple[int, int] = (1, 1)) -> np.ndarray:
    """An image (h, w, c) as a batch (1, c, i, j), by reflection at the right and the bottom.

    The sides i and j are `least` or more, and multiples of `multiple`.
    """
    height, width = image.shape[:2]
    wanted = (max(n, side) for n, side in zip((height, width), least, strict=True))
    pads = [(0, n + -n % multiple - side) for n, side in zip(wanted, (height, width), strict=True)]
    pads.append((0, 0))
    # np.pad reflects repeatedly where a side is shorter than its padding, and repeats a single
    # pixel.
    larger = np.pad(image, pads, mode="reflect") if any(p[1] for p in pads) else image
    return np.ascontiguousarray(larger.transpose(2, 0, 1)[None])


def _in_order(
    pool: ThreadPoolExecutor, run: Callable[[T], R], items: Iterator[T], ahead: int
) -> Iterator[R]:
    """As `pool.map`, but submits at most `ahead` items before their results are taken."""
    submitted: deque[Future[R]] = deque()
    try:
        for item in items:
            submitted.append(pool.submit(run, item))
            if len(submitted) == ahead:
                yield submitted.popleft().result()
        while submitted:
            yield submitted.popleft().result()
    finally:
        for future in submitted:
            future.cancel()
