"""Adds a network's change to an image, at any strength."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from unblur.photo import fill_transparent

_PIXELS = 2**20
"""Pixels that are blended at a time."""

Strip = tuple[slice, np.ndarray, np.ndarray]
"""Rows of an image, their pixels before, and after."""


class Source(Protocol):
    """An image (h, w, c) that is read by rows and columns, as an array is.

    c is 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA; uint8, uint16, or floats in [0, 1].
    """

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray: ...


def blend(source: Source, rows: slice, change: np.ndarray, strength: float) -> Iterator[Strip]:
    """Adds a part of `Deblurrer.changes` to the image it was computed from.

    The strength is applied here, after the tiles are merged: one change gives the result of every
    strength, the same to the bit as if it were computed for that strength.

    Args:
        rows: of the image.
        change: float32 (rows, w, colours), full scale = 1.
        strength: 0 to 1.

    Yields:
        From top to bottom, a few rows at a time: the rows, their pixels before, and after.
    """
    width = source.shape[1]
    step = max(1, _PIXELS // width)
    for top in range(rows.start, rows.stop, step):
        strip = slice(top, min(top + step, rows.stop))
        before = source[strip, slice(0, width)]
        part = change[strip.start - rows.start : strip.stop - rows.start]
        yield strip, before, _add(before, np.float32(strength) * part)


def colour_channels(source: Source) -> int:
    """Number of channels of (h, w, c) that are not alpha."""
    return source.shape[2] - 1 + source.shape[2] % 2


def colours_of(pixels: np.ndarray) -> np.ndarray:
    """The colours of (h, w, c), float32, full scale = 1; those under transparency are filled in."""
    pixels = fill_transparent(pixels)
    colours = pixels[..., : colour_channels(pixels)].astype(np.float32)
    colours /= full_scale(pixels.dtype)
    return colours


def full_scale(dtype: np.dtype[Any]) -> np.float32:
    """The value of white."""
    return np.float32(np.iinfo(dtype).max if dtype.kind == "u" else 1.0)


def _add(pixels: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Pixels with their colours changed; the same to the bit where the change is 0.

    Pixels that are fully transparent keep their hidden colours.
    """
    colours = colour_channels(pixels)
    out = pixels.copy()
    white = full_scale(pixels.dtype)
    changed = pixels[..., :colours] + change * white
    if pixels.dtype.kind == "u":
        np.rint(changed, out=changed)
        changed.clip(0, white, out=changed)
    out[..., :colours] = changed
    if pixels.shape[2] > colours:
        hidden = pixels[..., -1] == 0
        out[hidden] = pixels[hidden]
    return out
