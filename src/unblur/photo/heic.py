"""HEIC, the format of phones' cameras: read by pillow-heif, not written."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

import numpy as np
import pyvips

from unblur.errors import Hint, PhotoError, UnknownFormatError
from unblur.photo import heif
from unblur.photo.libvips import check_size, is_unsupported, set_blob, unsupported

# An AVIF may match as well.
MAGIC = re.compile(rb"(?s).{4}ftyp(?:.{8}(?:.{4})*?)?(?:hei[cxms]|hev[cx]|mif1|msf1)")


def load(file: BinaryIO, max_pixels: int | None) -> Any:
    """The decoded picture, upright, with EXIF, XMP and profile as libvips' loaders name them.

    Raises:
        PhotoError: if pillow-heif is missing, the file is damaged, or it has too many pixels.
    """
    try:
        import pillow_heif
    except ImportError:
        raise UnknownFormatError("is a HEIC picture", hint=Hint("install", ("heic",))) from None
    heif.check(file)
    try:
        picture = pillow_heif.open_heif(file.read(), convert_hdr_to_8bit=False)
        width, height = picture.size
        check_size(width, height, max_pixels)
        pixels = np.array(picture)
        info, bits = picture.info, int(picture.info.get("bit_depth", 8))
    except (ValueError, RuntimeError, OSError, EOFError, SyntaxError, LookupError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        if is_unsupported(error):
            raise unsupported(lines[0], "heic") from None
        raise PhotoError(f"is a HEIC file that is damaged ({lines[0]})") from None
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    deep = pixels.dtype == np.uint16
    names = ("grey16", "rgb16") if deep else ("b-w", "srgb")
    image: Any = pyvips.Image.new_from_array(
        np.ascontiguousarray(pixels), interpretation=names[pixels.shape[2] > 2]
    ).copy_memory()
    blobs = {"exif-data": "exif", "xmp-data": "xmp", "icc-profile-data": "icc_profile"}
    for field, key in blobs.items():
        if info.get(key):
            set_blob(image, field, bytes(info[key]))
    # Upright already by the file's own transformation; libvips has set EXIF's orientation.
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    image.set_type(pyvips.GValue.gint_type, "bits-per-sample", bits)
    return image
