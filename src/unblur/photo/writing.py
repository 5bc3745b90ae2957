"""Writes a photo: new pixels with the metadata that was read."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyvips

from unblur.errors import CannotHoldError, Hint, PhotoError
from unblur.photo import cicp, photoshop
from unblur.photo.files import new_file
from unblur.photo.formats import BY_NAME
from unblur.photo.libvips import reason, set_blob
from unblur.photo.origin import Origin
from unblur.photo.reading import Photo
from unblur.photo.scratch_pixels import open_pixels


def encode(photo: Photo, pixels: np.ndarray, kind: str | None = None) -> bytes:
    """The bytes of a file with new pixels and the photo's metadata.

    Args:
        pixels: (h, w, c) of the photo's dtype and channels.
        kind: the format; by default the photo's own.

    Raises:
        PhotoError: if the format cannot hold the photo.
    """
    new: Any = pyvips.Image.new_from_array(
        np.ascontiguousarray(pixels), interpretation=photo.shown.interpretation
    )
    file = io.BytesIO()
    _write(photo, new, kind or photo.format, file)
    return file.getvalue()


def write(
    photo: Photo,
    pixels: Path,
    out: Path,
    kind: str,
    overwrite: bool = False,
    source: Path | None = None,
) -> None:
    """Write a file with new pixels and the photo's metadata, without holding it in memory.

    Args:
        pixels: a file of the new pixels, row by row, of the photo's dtype and channels.
        kind: the format.
        source: the photo's file, as privately as which the new one is kept (`files.atomic`).

    Raises:
        PhotoError: if the format cannot hold the photo, the file exists and is not to be
            overwritten, or it cannot be written; `out` is then as it was.
    """
    check_holds(photo, kind)
    with open_pixels(pixels, photo.shown) as new, new_file(out, overwrite, source) as file:
        _write(photo, new, kind, file)


def check_holds(photo: Photo, kind: str) -> None:
    """Raise CannotHoldError if a format cannot hold the photo's samples or its metadata."""
    target, name = BY_NAME[kind], kind.upper()
    bits = photo.origin.bits if 8 < photo.origin.bits <= 12 else 16
    if target.save is None:
        why, others = "is a HEIC picture, which cannot be written", ("jpeg", "png")
    elif photo.channels in (2, 4) and not target.alpha:
        why, others = f"has transparency, which {name} cannot hold", ("png", "webp")
    elif photo.origin.colours.kind == "numbers" and "numbers" not in target.colours:
        why, others = f"has samples that {name} cannot hold", ("tiff",)
    elif not _says_colours(photo, kind):
        assert photo.origin.cicp is not None
        why, others = f"has {photo.origin.cicp.name}, which {name} cannot say", ("png",)
    elif photo.dtype == np.uint16 and target.bits < bits:
        why, others = f"has 16 bit a channel, which {name} cannot hold", ("png",)
    else:
        return target.check(photo.origin)
    raise CannotHoldError(why, hint=Hint("format", others))


def lost(photo: Photo, kind: str) -> tuple[str, ...]:
    """What of the photo's file a result of a format does not have, in a few words each."""
    origin, target = photo.origin, BY_NAME[kind]
    own = () if kind == photo.format else origin.own
    if origin.header.get_typeof("photoshop-data") and not target.photoshop:
        more = photoshop.has_more(origin.header.get("photoshop-data"))
        own = (*own, "Photoshop's resources") if more else own
    boxes = cicp.left_out(origin.boxes, target.boxes)
    return (*origin.dropped, *own, *boxes, *target.loses(origin))


def without(lost: Sequence[str]) -> str:
    """What `lost` returned as a line about a result: "without the thumbnail and the mask"."""
    return f"without {' and '.join(', '.join(lost).rsplit(', ', 1))}" if lost else ""


def _says_colours(photo: Photo, kind: str) -> bool:
    """Whether a format says what the colours mean: by code points, or a profile."""
    said = photo.origin.cicp
    if said is None or kind == photo.format:
        return True
    if photo.format == "png" and not said.full:
        return False
    if said.plain or b"colr" in BY_NAME[kind].boxes:
        return True
    return bool(photo.origin.header.get_typeof("icc-profile-data") or said.profile())


def _write(photo: Photo, new: Any, kind: str, file: BinaryIO) -> None:
    """Write into an empty file that can be read and written.

    Args:
        new: the new picture, of the bands and the format of `photo.shown`.
    """
    check_holds(photo, kind)
    target, origin = BY_NAME[kind], photo.origin
    assert target.save is not None
    native = origin.colours.kind in target.colours
    profile = b"" if origin.cicp is None or b"colr" in target.boxes else origin.cicp.profile()
    try:
        image = origin.colours.stored(new, photo.shown, origin.header) if native else new
        target.save(_with_fields(image, origin, native, profile), origin, file)
    except pyvips.Error as error:
        why = "no space left on the disk" if "No space left" in str(error) else reason(error)
        raise PhotoError(f"cannot be written as {kind.upper()} ({why})") from None


def _with_fields(image: Any, origin: Origin, native: bool, by_profile: bytes) -> Any:
    """The picture with the metadata fields of the stored one; without its profile if converted.

    Args:
        by_profile: an ICC profile for a picture without one; may be empty.
    """
    header = origin.header
    space = header.interpretation if native else image.interpretation
    # A damaged file's resolution may be beyond what libvips lets be set.
    xres, yres = min(header.xres, 1e6), min(header.yres, 1e6)
    image = image.copy(interpretation=space, xres=xres, yres=yres)
    for name in image.get_fields():
        if name in ("icc-profile-data", "orientation") or name.startswith("exif-"):
            image.remove(name)
    own = {*image.get_fields(), "vips-loader", "filename", "exif-data", "orientation"}
    own |= set() if native else {"icc-profile-data"}
    for name in header.get_fields():
        if name not in own and not name.startswith("exif-ifd"):
            image.set_type(header.get_typeof(name), name, header.get(name))
    if by_profile and not image.get_typeof("icc-profile-data"):
        set_blob(image, "icc-profile-data", by_profile)
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    return image
