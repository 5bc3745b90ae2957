"""Resamples rows and columns of an image that is read part by part."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from unblur.inference.blend import Source, colour_channels, full_scale
from unblur.inference.blur_map import CELL
from unblur.photo import fill_transparent

LOBES = 3
"""Of the Lanczos kernel."""
_BLOCK = 32
"""Positions that are computed by one product of matrices."""
_SEEN = 0.25
"""The share of a pixel that is not fully transparent, from which its colour is known."""


class Reduced:
    """An image at a smaller scale, as a `Source`: float32 colours, full scale = 1, without alpha.

    By Lanczos's kernel as wide as the reduction needs, with the pixels' centres where
    `resize(image, shape)` has them. Only the part that is asked for is read and computed.

    Args:
        source: the image, (h, w, c).
        scale: 0 to 1; the new sides are `h * scale` and `w * scale`, rounded, at least 1.
    """

    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self, source: Source, scale: float) -> None:
        self._source = source
        height, width = source.shape[:2]
        self._colours = colour_channels(source)
        self.shape: tuple[int, int, int] = (
            max(1, round(height * scale)),
            max(1, round(width * scale)),
            self._colours,
        )

    def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray:
        rows, columns = key
        height, width = self._source.shape[:2]
        across = _reach(columns, width, self.shape[1])
        tall = []
        # Block by block, so that little of the full size is held.
        for block in _blocks(rows):
            down = _reach(block, height, self.shape[0])
            pixels = self._visible(self._source[down, across])
            tall.append(_part(pixels, block, height, self.shape[0], down.start))
        turned = np.concatenate(tall).transpose(1, 0, 2)
        wide = [
            _part(turned, block, width, self.shape[1], across.start) for block in _blocks(columns)
        ]
        return self._filled(np.concatenate(wide).transpose(1, 0, 2)).clip(0, 1)

    def _visible(self, pixels: np.ndarray) -> np.ndarray:
        """The colours; beside alpha 0 where nothing is seen, and whether something is as another.

        So the colours under full transparency count for nothing.
        """
        colours = pixels[..., : self._colours].astype(np.float32) / full_scale(pixels.dtype)
        if pixels.shape[2] == self._colours:
            return colours
        seen = pixels[..., -1:] > 0
        return np.concatenate([colours * seen, seen], axis=2, dtype=np.float32)

    def _filled(self, mean: np.ndarray) -> np.ndarray:
        """The colours of what `_visible` returns, resampled."""
        if mean.shape[2] == self._colours:
            return mean
        seen = mean[..., -1:] > _SEEN
        colours = np.divide(
            mean[..., :-1], mean[..., -1:], out=np.zeros_like(mean[..., :-1]), where=seen
        )
        filled = fill_transparent(np.concatenate([colours, seen], axis=2, dtype=np.float32))
        return filled[..., :-1]


def resize(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """An image, float32 (h, w, c), resized to height and width by Lanczos's kernel."""
    rows = enlarged_rows(image, 0, slice(0, shape[0]), (image.shape[0], shape[0]), shape[1])
    return np.ascontiguousarray(rows)


def enlarged_rows(
    strip: np.ndarray, top: int, rows: slice, heights: tuple[int, int], width: int
) -> np.ndarray:
    """Some rows of an image resized to another height and width.

    Args:
        strip: float32 (h, w, c), rows of the image; those that `reach` names at least.
        top: the row of the image that the strip begins with.
        rows: of the result.
        heights: of the image and of the result.
        width: of the result.

    Returns:
        float32 (rows, width, c).
    """
    tall = [_part(strip, block, *heights, top) for block in _blocks(rows)]
    turned = np.concatenate(tall).transpose(1, 0, 2)
    wide = [_part(turned, block, len(turned), width, 0) for block in _blocks(slice(0, width))]
    return np.concatenate(wide).transpose(1, 0, 2)


def enlarge_cells(cells: np.ndarray, shape: tuple[int, int], cell: float = CELL) -> np.ndarray:
    """Interpolates values of square cells, float32 (i, j, ...), at pixels (height, width, ...).

    Args:
        cell: side of a cell, in pixels.
    """
    height, width = shape
    return cells_at(cells, slice(0, height), slice(0, width), cell)


def cells_at(cells: np.ndarray, rows: slice, columns: slice, cell: float) -> np.ndarray:
    """The part of `enlarge_cells` in some rows and columns: linear between the cells' middles."""
    # Not by products of matrices: BLAS's threads would go on waiting for work, and slow the network
    # that runs next by a fifth.
    planes = np.moveaxis(cells.reshape(*cells.shape[:2], -1), 2, 0).astype(np.float32, copy=False)
    planes = _between(planes.transpose(0, 2, 1), rows, cell).transpose(0, 2, 1)
    out = np.moveaxis(_between(planes, columns, cell), 0, 2)
    return out.reshape(*out.shape[:2], *cells.shape[2:])


def _between(planes: np.ndarray, pixels: slice, cell: float) -> np.ndarray:
    """Interpolates along the last axis."""
    count = planes.shape[-1]
    place = ((np.arange(pixels.start, pixels.stop) + 0.5) / cell - 0.5).clip(0, count - 1)
    before = place.astype(int)
    share = (place - before).astype(np.float32)
    out = planes[..., before]
    return out + (planes[..., np.minimum(before + 1, count - 1)] - out) * share


def reach(rows: slice, heights: tuple[int, int]) -> slice:
    """The rows of an image that rows of it at another height depend on."""
    return _reach(rows, *heights)


def _blocks(whole: slice) -> list[slice]:
    starts = range(whole.start, whole.stop, _BLOCK)
    return [slice(start, min(start + _BLOCK, whole.stop)) for start in starts]


def _part(strip: np.ndarray, block: slice, old: int, new: int, start: int) -> np.ndarray:
    """A block of new rows, of a strip that begins with row `start` of the image."""
    needed = _reach(block, old, new)
    part = strip[needed.start - start : needed.stop - start]
    weights = _weights(block.start, block.stop, old, new)
    return (weights @ part.reshape(len(part), -1)).reshape(len(weights), *part.shape[1:])


def _reach(block: slice, old: int, new: int) -> slice:
    radius = LOBES * max(1.0, old / new)
    first = math.floor((block.start + 0.5) * old / new - radius)
    last = math.ceil((block.stop - 0.5) * old / new + radius)
    return slice(max(0, first), min(old, last))


@functools.lru_cache(maxsize=256)
def _weights(start: int, stop: int, old: int, new: int) -> np.ndarray:
    """The kernel at each new position, (stop - start, old positions in reach), rows of sum 1."""
    stretch = max(1.0, old / new)
    reached = _reach(slice(start, stop), old, new)
    centres = (np.arange(start, stop) + 0.5) * old / new - 0.5
    distance = (np.arange(reached.start, reached.stop) - centres[:, None]) / stretch
    kernel = np.where(np.abs(distance) < LOBES, np.sinc(distance) * np.sinc(distance / LOBES), 0)
    return (kernel / kernel.sum(1, keepdims=True)).astype(np.float32)
