"""The table of formats: how each is recognised, read and written, and what it can hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from unblur.errors import Hint, PhotoError, UnknownFormatError
from unblur.photo import avif, camera_raw, cicp, gif, heic, heif, jpeg, png, tiff, webp
from unblur.photo.origin import Origin


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        endings: of file names.
        magic: matches the first 64 bytes of a file.
        load: opens a file, at its start, with a limit of pixels; the stored picture.
        extras: the metadata that libvips drops, as arguments of `Origin`; it is called with the
            file at its start, before `load`.
        save: writes a picture into an empty file; None if the format is only read.
        alpha: whether it holds transparency.
        bits: the most that it holds a sample.
        colours: the kinds of `Colours` that it stores as they are; others are stored as RGB.
        check: raises CannotHoldError if it cannot hold a photo's metadata.
        boxes: of `Origin.boxes`, those whose content it holds; `colr` if it holds `Origin.cicp`.
        photoshop: whether it holds Photoshop's resources.
        loses: what of a photo's metadata its writer leaves out, in a few words each.
    """

    endings: tuple[str, ...]
    magic: re.Pattern[bytes]
    load: Callable[[BinaryIO, int | None], Any]
    save: Callable[[Any, Origin, BinaryIO], None] | None
    extras: Callable[[BinaryIO], dict[str, Any]] = lambda file: {}
    alpha: bool = True
    bits: int = 8
    colours: tuple[str, ...] = ("plain",)
    check: Callable[[Origin], None] = lambda origin: None
    boxes: tuple[bytes, ...] = ()
    photoshop: bool = False
    loses: Callable[[Origin], tuple[str, ...]] = lambda origin: ()


# fmt: off
BY_NAME = {
    "jpeg": Format(
        (".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif"), jpeg.MAGIC, jpeg.load, jpeg.save,
        jpeg.extras, alpha=False, colours=("plain", "cmyk", "lab"), check=jpeg.check,
        photoshop=True,
    ),
    "png": Format(
        (".png",), png.MAGIC, png.load, png.save, png.extras,
        bits=16, boxes=(b"colr", b"mdcv", b"clli"),
    ),
    "webp": Format(
        (".webp",), webp.MAGIC, webp.load, webp.save, webp.extras, loses=webp.loses
    ),
    "tiff": Format(
        (".tif", ".tiff"), tiff.MAGIC, tiff.load, tiff.save, tiff.extras,
        bits=16, colours=("plain", "cmyk", "lab", "numbers"), photoshop=True,
        loses=tiff.loses,
    ),
    "avif": Format(
        (".avif",), avif.MAGIC, avif.load, avif.save, avif.extras,
        bits=12, boxes=(b"colr", *cicp.CARRIED), loses=avif.loses,
    ),
    "gif": Format((".gif",), gif.MAGIC, gif.load, gif.save, gif.extras, loses=gif.loses),
    "heif": Format((".heic", ".heif", ".hif"), heic.MAGIC, heic.load, None, heif.extras),
}
# fmt: on
"""The formats; a file is of the first one that matches."""

FORMATS = {e: name for name, format_ in BY_NAME.items() if format_.save for e in format_.endings}
"""File name ending -> format, of those that can be written."""

READABLE = frozenset(ending for format_ in BY_NAME.values() for ending in format_.endings)
"""File name endings of photos that can be read."""


def kind_of(head: bytes, name: str = "") -> str:
    """The format of a file, a key of `BY_NAME`, by its first 64 bytes.

    Args:
        name: the file's; tells a camera's raw file, which looks like a TIFF.

    Raises:
        UnknownFormatError: if it is none that can be read.
    """
    kind = next((kind for kind, format_ in BY_NAME.items() if format_.magic.match(head)), None)
    named_raw = PurePath(name).suffix.lower() in camera_raw.RAW_ENDINGS
    if camera_raw.MAGIC.match(head) or (named_raw and kind in ("tiff", None)):
        raise camera_raw.refusal()
    if kind is None:
        known = ", ".join({"webp": "WebP", "heif": "HEIC"}.get(n, n.upper()) for n in BY_NAME)
        raise UnknownFormatError(f"is not a picture of a format that can be read ({known})")
    return kind


def format_of(path: Path) -> str:
    """The format to write, by a file name's ending; raises PhotoError if not in `FORMATS`."""
    ending = path.suffix.lower()
    if ending in FORMATS:
        return FORMATS[ending]
    if ending in READABLE:
        hint = Hint("format", ("jpeg", "avif", "png"))
        raise PhotoError("HEIC cannot be written", file=path, hint=hint)
    hint = Hint("format", tuple(dict.fromkeys(FORMATS.values())))
    raise PhotoError("its ending is of no format that can be written", file=path, hint=hint)
