"""Photos as files and as arrays: what is read beside the pixels is written back with them."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from unblur.errors import PhotoError
from unblur.photo.colours import colours_of
from unblur.photo.files import check_free, copy, save, scratch, whole_or_nothing
from unblur.photo.opening import kind_of, reason
from unblur.photo.raw import open_raw
from unblur.photo.reading import beside, open_any, opened, upright
from unblur.photo.saving import Origin, check_holds, write_picture
from unblur.photo.transparency import fill_transparent

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "READABLE",
    "Photo",
    "check_free",
    "check_holds",
    "copy",
    "encode",
    "fill_transparent",
    "format_of",
    "kind_of",
    "read",
    "read_size",
    "save",
    "scratch",
    "write",
]

FORMATS = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".png": "png",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".avif": "avif",
    ".gif": "gif",
}
"""File name endings and the formats behind them, which can be written."""

READABLE = frozenset({*FORMATS, ".heic", ".heif"})
"""File name endings of photos that can be read."""

MAX_PIXELS = 2**30
"""Width times height above which a photo is refused unless told otherwise: 32768 x 32768."""

_DTYPES = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32}


@dataclass(frozen=True)
class Photo:
    """A photo, upright, of samples that the network can take; what else it holds stays with it.

    Attributes:
        width, height: in pixels, upright.
        channels: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA.
        dtype: uint8, uint16, or float32 in 0 to 1.
        format: of the file that was read: "jpeg", "png", "webp", "tiff", "avif", "gif", "heif".
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
        """All of it, (h, w, c).

        Raises:
            PhotoError: if the file is damaged.
        """
        return self.region(0, 0, self.height, self.width)

    def region(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """A part, (height, width, c), read from the file without the rest where that can be.

        Raises:
            PhotoError: if the file is damaged there.
        """
        whole = (self.height, self.width) == (height, width)
        try:
            part = self.shown if whole else self.shown.crop(left, top, width, height)
            return part.numpy().reshape(height, width, self.channels)
        except pyvips.Error as error:
            raise PhotoError(f"is damaged or truncated ({reason(error)})") from None


def read(source: Path | bytes, max_pixels: int | None = MAX_PIXELS) -> Photo:
    """Opens a photo, or its bytes. EXIF orientation is applied and reset.

    Small ones are decoded at once, large ones when a part is asked for; floats are read through
    once for their range.

    Args:
        max_pixels: a larger one is refused before it is decoded; None for no limit.

    Raises:
        PhotoError: if it is missing, not such a picture, damaged, animated, of several pages, too
            large, or of colours that cannot be shown.
    """
    with opened(source) as (file, kind):
        stored = open_any(file, kind, max_pixels)
        extras = beside(stored, kind, file)
        stored = upright(stored)
    colours = colours_of(stored)
    try:
        shown = colours.shown(stored)
    except pyvips.Error as error:
        raise PhotoError(f"has colours that cannot be shown ({reason(error)})") from None
    if shown.format not in _DTYPES:
        raise PhotoError(f"has samples of type {shown.format}; save it with 8 or 16 bit")
    origin = Origin(kind, stored, colours, **extras)
    dtype = np.dtype(_DTYPES[shown.format])
    return Photo(shown.width, shown.height, shown.bands, dtype, kind, shown, origin)


def read_size(source: Path | bytes) -> tuple[int, int]:
    """Width and height as stored, from the header alone.

    Raises:
        PhotoError: as `read`, for what the header shows.
    """
    with opened(source) as (file, kind):
        image = open_any(file, kind, None)
        return image.width, image.height


def encode(photo: Photo, pixels: np.ndarray, kind: str | None = None) -> bytes:
    """The bytes of a file with new pixels and everything else of the photo.

    Args:
        pixels: (h, w, c) of the photo's dtype and channels.
        kind: the format, the photo's own if not given.

    Raises:
        PhotoError: if the format cannot hold the photo.
    """
    new: Any = pyvips.Image.new_from_array(
        np.ascontiguousarray(pixels), interpretation=photo.shown.interpretation
    )
    file = io.BytesIO()
    write_picture(photo.shown, new, photo.origin, _kind(photo, kind), file)
    return file.getvalue()


def write(
    photo: Photo, raw: Path, out: Path, kind: str | None = None, overwrite: bool = False
) -> None:
    """Writes a file with new pixels and everything else of the photo, without holding it.

    Args:
        raw: a file of the new pixels, row by row, of the photo's dtype and channels.
        kind: the format, that of the name's ending if not given.

    Raises:
        PhotoError: if the format cannot hold the photo, the file exists and is not to be
            overwritten, or it cannot be written; nothing is left half-written.
    """
    kind = _kind(photo, kind or format_of(out))
    check_holds(photo.origin, photo.shown, kind)
    with open_raw(raw, photo.shown) as new, whole_or_nothing(out, overwrite) as file:
        write_picture(photo.shown, new, photo.origin, kind, file)


def format_of(path: Path) -> str:
    """The format that a file name's ending asks for.

    Raises:
        PhotoError: if the ending is none of `FORMATS`.
    """
    ending = path.suffix.lower()
    if ending in (".heic", ".heif"):
        raise PhotoError(f"{path}: HEIC is not written; name a .jpg, .avif or .png output")
    try:
        return FORMATS[ending]
    except KeyError:
        known = ", ".join(FORMATS)
        raise PhotoError(f"{path} has no ending of a format: {known}") from None


def _kind(photo: Photo, kind: str | None) -> str:
    kind = kind or photo.format
    if kind == "heif":
        raise PhotoError("is a HEIC picture, which is not written; name a .jpg or .png output")
    return kind
