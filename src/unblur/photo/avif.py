"""AVIF: how it is recognised, read and written."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any, BinaryIO

from unblur.errors import PhotoError
from unblur.photo import av1, heif, libvips
from unblur.photo.avif_boxes import rebuilt
from unblur.photo.bmff import box, contents
from unblur.photo.cicp import Cicp
from unblur.photo.libvips import KEEP_ALL, KEEP_NO_EXIF, blob, set_blob
from unblur.photo.origin import Origin
from unblur.photo.unheld import unheld
from unblur.photo.ycbcr import LUMA, planes

# The generic brands stand for HEIC as well; the compatible ones after them tell.
MAGIC = re.compile(rb"(?s).{4}ftyp(?!hei)(?:.{8}(?:.{4})*?)?avi[fs]")

extras: Callable[[BinaryIO], dict[str, Any]] = heif.extras

_ENCODERS_OWN = (6, True)
_EMPTY_EXIF = b"Exif\0\0II*\0\x08\0\0\0" + bytes(6)


def load(file: BinaryIO, max_pixels: int | None) -> Any:
    """The stored picture; raises PhotoError as `libvips.load`, and if it is not one picture."""
    heif.check(file)
    return libvips.load("heif", file, max_pixels, kind="avif")


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture at quality 98, or without loss if it has alpha, which is lossy as well.

    Without loss, too, where it has other colours than sRGB by code points, and another matrix than
    that of libheif's encoder, which knows no other: the planes are then made here.
    """
    bits, cicp = 8 if image.format == "uchar" else origin.bits, origin.cicp
    alpha = image.bands in (2, 4)
    made_here = (
        cicp is not None
        and not cicp.plain
        and cicp.matrix in LUMA
        and image.bands > 2
        and (alpha or (cicp.matrix, cicp.full) != _ENCODERS_OWN)
    )
    if made_here:
        assert cicp is not None
        image = planes(image, cicp.matrix, cicp.full, bits)
    lossless = alpha or made_here
    options: dict[str, Any] = {"lossless": True} if lossless else {"Q": 98, "subsample_mode": "off"}
    profile = blob(image, "icc-profile-data")
    keep = KEEP_NO_EXIF
    if origin.exif:  # a place for it
        keep, image = KEEP_ALL, image.copy()
        set_blob(image, "exif-data", _EMPTY_EXIF)
    data = image.heifsave_buffer(compression="av1", keep=keep, bitdepth=bits, **options)
    try:
        file.write(_completed(data, origin, cicp if made_here else None, profile))
    except (ValueError, KeyError) as error:
        raise PhotoError(f"cannot be written as AVIF ({error})") from None


def _completed(avif: bytes, origin: Origin, planes_of: Cicp | None, profile: bytes) -> bytes:
    """The file with the photo's colours, boxes and EXIF.

    Args:
        planes_of: what the planes are of, if the encoder was deceived.
        profile: of the colours; libvips leaves out one that does not fit.
    """
    found = contents(io.BytesIO(avif))
    data, properties = {}, [*origin.boxes.values()]
    if origin.cicp is not None:
        at, length = found.locations[found.primary][0]
        stream = avif[at : at + length]
        old = av1.colours(stream)
        if old is None:
            raise ValueError("an AV1 stream that does not say its colours")
        matrix, full = (planes_of.matrix, planes_of.full) if planes_of else old[2:]
        new = Cicp(origin.cicp.primaries, origin.cicp.transfer, matrix, full)
        numbers = (new.primaries, new.transfer, new.matrix, new.full)
        if numbers != old:
            data[found.primary] = av1.with_colours(stream, numbers)
        properties.append(new.colr())
    own = {one[4:12] for one in found.properties[found.primary]}
    if profile and not own & {b"colrprof", b"colrrICC"}:
        properties.append(box(b"colr", b"prof" + profile))
    for number, item in found.items.items():
        if item.kind == b"Exif":
            data[number] = heif.exif_item(origin.exif)
    return rebuilt(avif, data, properties) if data or properties else avif


def loses(origin: Origin) -> tuple[str, ...]:
    return unheld(origin, "iptc", "resolution")
