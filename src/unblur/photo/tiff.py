"""TIFF: how it is recognised, read and written. Its tags are in `tiff_tags`."""

from __future__ import annotations

import io
import re
from typing import Any, BinaryIO

import pyvips

from unblur.photo import camera_raw, exif, iptc
from unblur.photo.libvips import KEEP_NO_EXIF_NO_IPTC, decoded_bytes
from unblur.photo.origin import Origin
from unblur.photo.tiff_tags import IPTC, append_tags, number, read_tags

MAGIC = re.compile(rb"II[*+]\0|MM\0[*+]")

_COMPRESSIONS = {
    1: "none", 3: "ccittfax4", 4: "ccittfax4", 5: "lzw", 7: "jpeg", 32773: "packbits",
    50001: "webp",
}  # fmt: skip
_PREDICTORS = {1: "none", 2: "horizontal", 3: "float"}
_DNG_VERSION = 0xC612


def extras(file: BinaryIO) -> dict[str, Any]:
    """The tags, and an EXIF block of them; raises UnknownFormatError for a DNG."""
    tags = read_tags(file)
    if _DNG_VERSION in tags:
        raise camera_raw.refusal()
    return {"tags": tags, "exif": exif.from_tags(tags)}


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture with the layout and the tags of a TIFF, or with the EXIF of another file."""
    options = _options(image, origin)
    if isinstance(file, io.BytesIO):
        file.write(image.tiffsave_buffer(**options))
    else:
        image.tiffsave_target(pyvips.Target.new_to_descriptor(file.fileno()), **options)
    tags = origin.tags or read_tags(io.BytesIO(origin.exif.removeprefix(b"Exif\0\0")))
    if origin.header.get_typeof("iptc-data"):
        # As bytes: libvips writes it as long words, and loses its end.
        records = iptc.bare(origin.header.get("iptc-data"))
        tags = {**tags, IPTC: (7, len(records), records)} if records else tags
    append_tags(file, tags)


def _options(image: Any, origin: Origin) -> dict[str, Any]:
    tags, options = origin.tags, dict[str, Any](keep=KEEP_NO_EXIF_NO_IPTC)
    few = image.bands == 1 and image.format == "uchar" and origin.bits in (1, 2, 4)
    compression = _COMPRESSIONS.get(number(tags, 259, 8), "deflate")
    if image.format != "uchar" and compression in ("jpeg", "webp"):
        compression = "deflate"
    if compression == "ccittfax4" and not (few and origin.bits == 1):
        compression = "deflate"
    options["compression"] = compression
    if compression in ("lzw", "deflate") and not few:
        usual = "float" if image.format == "float" else "horizontal"
        options["predictor"] = _PREDICTORS.get(number(tags, 317, 1), "none") if tags else usual
        if options["predictor"] == "float" and image.format != "float":
            options["predictor"] = "none"
    options |= {"jpeg": {"Q": 98}, "webp": {"lossless": True}}.get(compression, {})
    if few:
        options["bitdepth"] = origin.bits
    if tags and number(tags, 262, 1) == 0:
        options["miniswhite"] = True
    width, height = number(tags, 322), number(tags, 323)
    if width and height and width % 16 == 0 and height % 16 == 0:
        options |= {"tile": True, "tile_width": width, "tile_height": height}
    # Offsets of a plain TIFF end at 4 GiB; pixels that do not compress grow a little.
    options["bigtiff"] = decoded_bytes(image) > 3.9e9
    return options
