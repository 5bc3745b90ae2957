"""AVIF: how it is recognised and written."""

from __future__ import annotations

from typing import Any, BinaryIO

from unblur.photo import exif
from unblur.photo.libvips import KEEP_ALL, KEEP_NO_EXIF
from unblur.photo.origin import Origin


def matches(head: bytes) -> bool:
    # The generic brands stand for HEIC as well; the compatible ones after them tell.
    return head[4:8] == b"ftyp" and (
        head[8:12] == b"avis"
        or (not brands(head).isdisjoint({b"avif", b"avis"}) and head[8:11] != b"hei")
    )


def brands(head: bytes) -> set[bytes]:
    """The major and the compatible brands in the first 64 bytes (ISO/IEC 14496-12, 4.3)."""
    return {head[8:12], *(head[i : i + 4] for i in range(16, min(len(head), 64), 4))}


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture at quality 98, or without loss if it has alpha, which is lossy as well."""
    options: dict[str, Any] = {"bitdepth": 8 if image.format == "uchar" else origin.bits}
    if image.bands in (2, 4):
        options["lossless"] = True
    else:
        options |= {"Q": 98, "subsample_mode": "off"}
    keep = KEEP_NO_EXIF
    if origin.exif:
        image, keep = exif.with_fields(image, origin.exif), KEEP_ALL
    file.write(image.heifsave_buffer(compression="av1", keep=keep, **options))
