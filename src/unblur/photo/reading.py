"""Reads a photo: upright pixels as the network takes them, and the metadata."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyvips

from unblur.errors import PhotoError
from unblur.photo import metadata
from unblur.photo.colours import colours_of
from unblur.photo.files import open_file
from unblur.photo.formats import BY_NAME, kind_of
from unblur.photo.libvips import blob, decoded_bytes, decoding, reason
from unblur.photo.origin import Origin

MAX_PIXELS = 2**30
"""The default limit of width times height: 32768 x 32768."""

_DTYPES = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32}
# Up to this size decoded when read, so that damage shows at once; larger photos stay in their file.
_DECODED_BYTES = 2**26


@dataclass(frozen=True)
class Photo:
    """A photo, upright, with samples that the network can take, and its metadata.

    Attributes:
        width, height: in pixels, upright.
        channels: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA.
        dtype: uint8, uint16, or float32 in 0 to 1.
        format: of the file that was read: "jpeg", "png", "webp", "tiff", "avif", "gif", "heif".
        shown: the picture that `pixels` is of, in libvips.
        origin: the metadata.
    """

    width: int
    height: int
    channels: int
    dtype: np.dtype
    format: str
    shown: Any = field(repr=False)
    origin: Origin = field(repr=False)

    @cached_property
    def pixels(self) -> np.ndarray:
        """All pixels, (h, w, c); raises PhotoError if the file is damaged."""
        return self.region(0, 0, self.height, self.width)

    def region(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """A part, (height, width, c), where possible read without the rest; raises as `pixels`."""
        whole = (self.height, self.width) == (height, width)
        with decoding():
            part = self.shown if whole else self.shown.crop(left, top, width, height)
            return part.numpy().reshape(height, width, self.channels)


def read(source: Path | bytes, max_pixels: int | None = MAX_PIXELS) -> Photo:
    """Open a photo, or its bytes. EXIF orientation is applied and reset.

    Small photos are decoded at once, large ones when a part is asked for; floats are read through
    once for their range.

    Args:
        max_pixels: a larger photo is refused before it is decoded; None for no limit.

    Raises:
        PhotoError: if it is missing, not a picture of a known format, damaged, animated, of
            several pages, too large, or of colours that cannot be shown.
    """
    with _open(source) as (file, kind):
        # First: libvips reads on from the descriptor, whose offset it would share.
        found = BY_NAME[kind].extras(file)
        file.seek(0)
        stored = BY_NAME[kind].load(file, max_pixels)
        extras = {"exif": blob(stored, "exif-data"), **found}
        stored, extras = metadata.upright(stored, extras, extras.pop("applied", None))
        stored = _upright(stored)
    colours = colours_of(stored)
    try:
        shown = colours.shown(stored)
    except pyvips.Error as error:
        raise PhotoError(f"has colours that cannot be shown ({reason(error)})") from None
    if shown.format not in _DTYPES:
        raise PhotoError(f"has samples of type {shown.format}; save it with 8 or 16 bit")
    origin = Origin(stored, colours, **extras)
    dtype = np.dtype(_DTYPES[shown.format])
    return Photo(shown.width, shown.height, shown.bands, dtype, kind, shown, origin)


def read_size(source: Path | bytes) -> tuple[int, int]:
    """Width and height, upright, from the header alone; raises as `read` for what that shows."""
    with _open(source) as (file, kind):
        image = BY_NAME[kind].load(file, None)
        size = image.width, image.height
        return size[::-1] if _is_turned(image) else size


@contextmanager
def _open(source: Path | bytes) -> Iterator[tuple[BinaryIO, str]]:
    """The file at its start, and its format."""
    with io.BytesIO(source) if isinstance(source, bytes) else open_file(source) as file:
        try:
            head = file.read(64)
        except OSError as error:
            raise PhotoError(f"cannot be read ({error.strerror})") from None
        if not head:
            raise PhotoError("is empty; a photo was expected")
        kind = kind_of(head, "" if isinstance(source, bytes) else source.name)
        try:
            file.seek(0)
        except OSError:
            raise PhotoError("is not a file; a photo was expected") from None
        yield file, kind


def _is_turned(stored: Any) -> bool:
    """Whether width and height change places."""
    return stored.get_typeof("orientation") != 0 and stored.get("orientation") >= 5


def _upright(stored: Any) -> Any:
    """Upright, and decoded if it is small.

    Raises:
        PhotoError: if it is damaged; in a large one with tiles, only the last tile is checked.
    """
    with decoding():
        image = stored.autorot() if stored.get_typeof("orientation") else stored
        if decoded_bytes(stored) <= _DECODED_BYTES:
            return image.copy_memory()
        # One pixel makes libvips decode a file that has no parts, to a temporary file.
        stored.crop(stored.width - 1, stored.height - 1, 1, 1).avg()
    return image
