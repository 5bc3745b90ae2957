"""What `photo.read` does with a file: the picture upright, and all that is beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyvips

from unblur.errors import PhotoError
from unblur.photo import png, webp
from unblur.photo.heic import open_heic
from unblur.photo.opening import kind_of, open_file, open_picture, reason
from unblur.photo.tags import exif_block, read_tags, upright_exif

# Decoded when read, so that what is damaged shows at once; a larger one stays in its file.
_DECODED_BYTES = 2**26


@contextmanager
def opened(source: Path | bytes) -> Iterator[tuple[BinaryIO, str]]:
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


def open_any(file: BinaryIO, kind: str, max_pixels: int | None) -> Any:
    """The picture as stored; `open_heic` or `open_picture`."""
    if kind == "heif":
        return open_heic(file.read(), max_pixels)
    return open_picture(file, kind, max_pixels)


def beside(stored: Any, kind: str, file: BinaryIO) -> dict[str, Any]:
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


def upright(stored: Any) -> Any:
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
