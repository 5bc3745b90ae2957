"""HEIC pictures, as phones take them, through pillow-heif. They are read, not written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyvips

from unblur.errors import PhotoError, UnknownFormatError
from unblur.photo.opening import check_size


def open_heic(data: bytes, max_pixels: int | None) -> Any:
    """The decoded picture, upright, with EXIF, XMP and profile as libvips' loaders name them.

    Raises:
        PhotoError: if pillow-heif is missing, the file is damaged, or it has too many pixels.
    """
    try:
        import pillow_heif
    except ImportError:
        raise UnknownFormatError(
            "is a HEIC picture; pip install 'unblur[heic]' to read it"
        ) from None
    try:
        file = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
        width, height = file.size
        check_size(width, height, max_pixels)
        pixels = np.array(file)
        info, bits = file.info, int(file.info.get("bit_depth", 8))
    except (ValueError, RuntimeError, OSError, EOFError, SyntaxError, LookupError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
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
            image.set_type(pyvips.GValue.blob_type, field, bytes(info[key]))
    # The file's own transformation, applied already, counts; libvips has read EXIF's of the block.
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    image.set_type(pyvips.GValue.gint_type, "bits-per-sample", bits)
    return image
