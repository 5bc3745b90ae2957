"""AVIF: how it is recognised and written."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, BinaryIO

from unblur.photo import exif, libvips
from unblur.photo.origin import Origin

# The generic brands stand for HEIC as well; the compatible ones after them tell.
MAGIC = re.compile(rb"(?s).{4}ftyp(?!hei)(?:.{8}(?:.{4})*?)?avi[fs]")

load = partial(libvips.load, "heif", kind="avif")


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture at quality 98, or without loss if it has alpha, which is lossy as well."""
    alpha = image.bands in (2, 4)
    options: dict[str, Any] = {"lossless": True} if alpha else {"Q": 98, "subsample_mode": "off"}
    options["bitdepth"] = 8 if image.format == "uchar" else origin.bits
    image, keep = exif.with_fields(image, origin.exif)
    file.write(image.heifsave_buffer(compression="av1", keep=keep, **options))
