"""Photos as files and as arrays: what is read beside the pixels is written back with them."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from unblur.errors import UnblurError

FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp"}
"""File name endings and the formats behind them."""

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "jpeg": {"Q": 95},
    "png": {},
    "webp": {"Q": 95, "smart_subsample": True},
}
_COLOURS = {"srgb", "rgb", "rgb16", "b-w", "grey16"}


class PhotoError(UnblurError):
    """A photo that cannot be read or written; the message is one line without the file's name."""


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes:
        pixels: (h, w, c) of uint8 or uint16, upright; c is 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA.
        format: "jpeg", "png" or "webp".
        header: the picture's metadata (EXIF, ICC profile, resolution, ...).
    """

    pixels: np.ndarray
    format: str
    header: pyvips.Image


def read(source: Path | bytes) -> Photo:
    """Decodes a JPEG, PNG or WebP file, or its bytes. EXIF orientation is applied and reset.

    Raises:
        PhotoError: if it is missing, not such a picture, truncated, animated or CMYK.
    """
    image = _open(source)
    kind = str(image.get("vips-loader")).removesuffix("load_buffer")
    if kind not in _SAVE_OPTIONS:
        raise PhotoError(f"is a {kind.upper()} picture; JPEG, PNG and WebP can be read")
    if image.get_typeof("n-pages") and image.get("n-pages") > 1:
        raise PhotoError("is animated; a single picture was expected")
    if image.interpretation not in _COLOURS or image.format not in ("uchar", "ushort"):
        raise PhotoError(f"has {image.interpretation} colours; convert it to RGB first")
    try:
        turned = image.get_typeof("orientation") != 0
        image = image.autorot().copy_memory()
        if turned:
            # Only removed, the tag would come back from the raw EXIF block when it is written.
            image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    except pyvips.Error as error:
        raise PhotoError(f"is damaged or truncated ({_reason(error)})") from None
    return Photo(image.numpy().reshape(image.height, image.width, image.bands), kind, image)


def read_bytes(path: Path) -> bytes:
    """The file as it is.

    Raises:
        PhotoError: if it is missing, a folder, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PhotoError("does not exist") from None
    except IsADirectoryError:
        raise PhotoError("is a folder; name the photos in it") from None
    except OSError as error:
        raise PhotoError(f"cannot be read ({error.strerror})") from None


def read_size(source: Path | bytes) -> tuple[int, int]:
    """Width and height as stored, from the header alone.

    Raises:
        PhotoError: as `read`, for what the header shows.
    """
    image = _open(source)
    return image.width, image.height


def encode(photo: Photo, pixels: np.ndarray, kind: str | None = None) -> bytes:
    """The bytes of a file with new pixels and everything else of the photo.

    Args:
        pixels: (h, w, c) of the photo's dtype and channels.
        kind: the format, the photo's own if not given.

    Raises:
        PhotoError: if the format cannot hold the photo.
    """
    kind = kind or photo.format
    channels = pixels.shape[2]
    if kind == "jpeg" and channels in (2, 4):
        raise PhotoError("has transparency, which JPEG cannot hold; name a .png or .webp output")
    if kind != "png" and pixels.dtype == np.uint16:
        raise PhotoError("has 16 bit a channel, which only PNG can hold; name a .png output")
    image: Any = pyvips.Image.new_from_array(
        np.ascontiguousarray(pixels), interpretation=photo.header.interpretation
    )
    own = {*image.get_fields(), "vips-loader", "filename"}
    for field in photo.header.get_fields():
        if field not in own:
            image.set_type(photo.header.get_typeof(field), field, photo.header.get(field))
    image = image.copy(xres=photo.header.xres, yres=photo.header.yres)
    try:
        return image.write_to_buffer(f".{kind}", **_SAVE_OPTIONS[kind])
    except pyvips.Error as error:
        raise PhotoError(f"cannot be written as {kind.upper()} ({_reason(error)})") from None


def format_of(path: Path) -> str:
    """The format that a file name's ending asks for.

    Raises:
        PhotoError: if the ending is none of `FORMATS`.
    """
    try:
        return FORMATS[path.suffix.lower()]
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
    if not overwrite:
        check_free(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".unblur-", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
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


def _open(source: Path | bytes) -> Any:
    data = source if isinstance(source, bytes) else read_bytes(source)
    if not data:
        raise PhotoError("is empty; a JPEG, PNG or WebP photo was expected")
    try:
        return pyvips.Image.new_from_buffer(data, "", fail_on="error")
    except pyvips.Error:
        raise PhotoError("is not a picture that can be read (JPEG, PNG and WebP can)") from None


def _reason(error: pyvips.Error) -> str:
    """The first thing that went wrong; the line before it only names the operation."""
    lines = [line.strip() for line in str(error).splitlines()]
    return lines[1] if len(lines) > 1 and lines[1] else lines[0]
