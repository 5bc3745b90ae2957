"""Opens a file or its bytes as a lazy picture: its content says what it is, not its name."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, BinaryIO

import pyvips

from unblur.errors import PhotoError, TooManyPixelsError, UnblurError, UnknownFormatError

# An operation's result is never asked for twice; kept, it would hold files open and memory.
pyvips.cache_set_max(0)

# fmt: off
RAW_ENDINGS = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos",
    ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf",
    ".srw", ".x3f",
})
# fmt: on
"""File name endings of cameras' raw formats."""

_LOADERS = {
    "jpeg": "jpegload",
    "png": "pngload",
    "webp": "webpload",
    "tiff": "tiffload",
    "gif": "gifload",
    "avif": "heifload",
}
_READABLE = "JPEG, PNG, WebP, TIFF, AVIF, GIF and HEIC"


def kind_of(head: bytes, name: str = "") -> str:
    """The format of a file by its first 64 bytes: a key of the loaders, or "heif".

    Args:
        name: the file's; tells a camera's raw file, which looks like a TIFF.

    Raises:
        PhotoError: if it is none that can be read; for a raw file it names what converts it.
    """
    ending = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a name, perhaps of no path
    raw = head[:4] in (b"IIRO", b"IIRS", b"MMOR", b"IIU\0") or head[4:12] == b"ftypcrx "
    raw = raw or head.startswith(b"FUJIFILMCCD-RAW") or head[8:11] == b"CR\2"
    tiff = head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    if raw or (ending in RAW_ENDINGS and (tiff or not _by_magic(head))):
        raise UnknownFormatError(
            "is a camera raw file; make a TIFF of it first, with darktable-cli, RawTherapee or"
            " dcraw_emu -T"
        )
    kind = "tiff" if tiff else _by_magic(head)
    if kind is None:
        raise UnknownFormatError(f"is not a picture that can be read ({_READABLE} can)")
    return kind


def open_file(
    path: Path, error_type: type[UnblurError] = PhotoError, what: str = "photos"
) -> BinaryIO:
    """The file, opened to read.

    Args:
        error_type: what is raised.
        what: what files of the kind are called.

    Raises:
        error_type: if it is missing, a folder, or cannot be read.
    """
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise error_type("does not exist") from None
    except IsADirectoryError:
        raise error_type(f"is a folder; name the {what} in it") from None
    except OSError as error:
        raise error_type(f"cannot be read ({error.strerror})") from None
    except ValueError:
        raise error_type("cannot be read (its name holds a zero byte)") from None


def open_picture(file: BinaryIO, kind: str, max_pixels: int | None) -> Any:
    """A lazy libvips picture, as stored; nothing but its header has been decoded.

    Args:
        file: at its start; may be closed afterwards.
        max_pixels: the limit of width times height; None for none.

    Raises:
        PhotoError: if the header is damaged, it has several pages or frames, or too many pixels.
    """
    try:
        if isinstance(file, io.BytesIO):
            # By buffer: libvips takes a copy; it would not keep a source's memory alive.
            loader, source = f"{_LOADERS[kind]}_buffer", file.getvalue()
        else:
            # By descriptor: a name that is not UTF-8 or holds libvips' options is no matter.
            loader = f"{_LOADERS[kind]}_source"
            source = pyvips.Source.new_from_descriptor(file.fileno())
        image: Any = pyvips.Operation.call(loader, source, fail_on="error")
        image.get_fields()
    except pyvips.Error as error:
        raise PhotoError(f"is a {kind.upper()} file that is damaged ({reason(error)})") from None
    except UnicodeDecodeError:  # of the names of what it holds beside the pixels
        raise PhotoError(f"is a {kind.upper()} file that is damaged (a name is no text)") from None
    if image.get_typeof("n-pages") and image.get("n-pages") > 1:
        what = "has several pages" if kind == "tiff" else "is animated or has several pictures"
        raise PhotoError(f"{what}; a single picture was expected")
    check_size(image.width, image.height, max_pixels)
    return image


def check_size(width: int, height: int, max_pixels: int | None) -> None:
    """Raises TooManyPixelsError if there are more pixels than the limit."""
    if max_pixels is not None and width * height > max_pixels:
        raise TooManyPixelsError(
            f"has {width}x{height} pixels, more than the limit of {max_pixels};"
            " --max-pixels raises it"
        )


def reason(error: pyvips.Error) -> str:
    """The first thing that went wrong; the line before it only names the operation."""
    lines = [line.strip() for line in str(error).splitlines()]
    return lines[1] if len(lines) > 1 and lines[1] else lines[0]


def _by_magic(head: bytes) -> str | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        # The generic brands stand for HEIC and AVIF alike; the compatible ones after them tell.
        brands = {head[8:12], *(head[i : i + 4] for i in range(16, min(len(head), 64), 4))}
        if head[8:12] == b"avis" or (brands & {b"avif", b"avis"} and head[8:11] != b"hei"):
            return "avif"
        if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
            return "heif"
    return None
