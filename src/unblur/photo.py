"""Photos as files and as arrays: what is read beside the pixels is written back with them."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyvips

from unblur.formats import png, webp
from unblur.formats.colours import colours_of
from unblur.formats.heic import open_heic
from unblur.formats.opening import (
    PhotoError,
    kind_of,
    open_file,
    open_picture,
    read_bytes,
    reason,
)
from unblur.formats.saving import Origin, check_holds, write_picture
from unblur.formats.tags import exif_block, read_tags, upright_exif
from unblur.formats.transparency import fill_transparent

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "READABLE",
    "Photo",
    "PhotoError",
    "check_free",
    "encode",
    "fill_transparent",
    "format_of",
    "read",
    "read_bytes",
    "read_size",
    "save",
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

# Decoded when read, so that what is damaged shows at once; a larger one stays in its file.
_DECODED_BYTES = 2**26
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
    with _opened(source) as (file, kind):
        stored = _open(file, kind, max_pixels)
        beside = _beside(stored, kind, file)
        stored = _upright(stored)
    colours = colours_of(stored)
    try:
        shown = colours.shown(stored)
    except pyvips.Error as error:
        raise PhotoError(f"has colours that cannot be shown ({reason(error)})") from None
    if shown.format not in _DTYPES:
        raise PhotoError(f"has samples of type {shown.format}; save it with 8 or 16 bit")
    origin = Origin(kind, stored, colours, **beside)
    dtype = np.dtype(_DTYPES[shown.format])
    return Photo(shown.width, shown.height, shown.bands, dtype, kind, shown, origin)


def read_size(source: Path | bytes) -> tuple[int, int]:
    """Width and height as stored, from the header alone.

    Raises:
        PhotoError: as `read`, for what the header shows.
    """
    with _opened(source) as (file, kind):
        image = _open(file, kind, None)
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
    kind = kind or format_of(out)
    check_holds(photo.origin, photo.shown, kind)
    try:
        new: Any = pyvips.Image.rawload(
            os.fsencode(raw),
            photo.width,
            photo.height,
            photo.channels,
            format=photo.shown.format,
            interpretation=photo.shown.interpretation,
        )
    except pyvips.Error as error:
        raise PhotoError(f"{raw} cannot be read ({reason(error)})") from None
    with _whole_or_nothing(out, overwrite) as file:
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


def check_free(path: Path) -> None:
    """Raises PhotoError if a file of this name exists."""
    if path.exists():
        raise PhotoError(f"{path} exists already; --overwrite replaces it")


def save(data: bytes, path: Path, overwrite: bool = False) -> None:
    """Writes a whole file or none: to a temporary name beside it, then renamed.

    Raises:
        PhotoError: if the file exists and is not to be overwritten, or the folder cannot be
            written to.
    """
    with _whole_or_nothing(path, overwrite) as file:
        file.write(data)


def _kind(photo: Photo, kind: str | None) -> str:
    kind = kind or photo.format
    if kind == "heif":
        raise PhotoError("is a HEIC picture, which is not written; name a .jpg or .png output")
    return kind


@contextmanager
def _opened(source: Path | bytes) -> Iterator[tuple[BinaryIO, str]]:
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


def _open(file: BinaryIO, kind: str, max_pixels: int | None) -> Any:
    if kind == "heif":
        return open_heic(file.read(), max_pixels)
    return open_picture(file, kind, max_pixels)


def _beside(stored: Any, kind: str, file: BinaryIO) -> dict[str, Any]:
    """What libvips does not carry by itself, as `Origin` names it."""
    exif = stored.get("exif-data") if stored.get_typeof("exif-data") else b""
    turned = _turned(stored)
    found: dict[str, Any] = {}
    file.seek(0)
    if kind == "tiff":
        found["tags"] = read_tags(file)
        exif = exif_block(found["tags"])
        if 0xC612 in found["tags"]:
            raise PhotoError(
                "is a camera raw file (DNG); make a TIFF of it first, with darktable-cli,"
                " RawTherapee or dcraw_emu -T"
            )
    elif kind == "png":
        found["chunks"] = png.carried_chunks(file)
    elif kind == "jpeg":
        found["head"] = file.read(2**22)
    elif kind == "webp":
        found["lossless"] = webp.is_lossless(file.read())
    return {**found, "exif": upright_exif(exif, turned) if exif else b""}


def _turned(stored: Any) -> bool:
    """Whether width and height change places."""
    return stored.get_typeof("orientation") != 0 and stored.get("orientation") >= 5


def _upright(stored: Any) -> Any:
    """Upright, and decoded if it is small.

    Raises:
        PhotoError: if it is damaged; of a large one in tiles, only where the last tile is.
    """
    size = stored.width * stored.height * stored.bands
    deep = {"uchar": 1, "char": 1, "ushort": 2, "short": 2}.get(stored.format, 4)
    try:
        image = stored.autorot() if stored.get_typeof("orientation") else stored
        if size * deep <= _DECODED_BYTES:
            return image.copy_memory()
        # One pixel makes libvips decode what it cannot read in parts, to a temporary file.
        stored.crop(stored.width - 1, stored.height - 1, 1, 1).avg()
    except pyvips.Error as error:
        raise PhotoError(f"is damaged or truncated ({reason(error)})") from None
    return image


@contextmanager
def _whole_or_nothing(path: Path, overwrite: bool) -> Iterator[BinaryIO]:
    """A file of a temporary name beside the path, renamed to it if all went well."""
    if not overwrite:
        check_free(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".unblur-", dir=path.parent)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        raise PhotoError(f"{path} cannot be written ({error.strerror})") from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
