"""TIFF: how it is recognised, read and written. Its tags are in `tiff_tags`."""

from __future__ import annotations

import io
import re
import struct
from typing import Any, BinaryIO

import pyvips

from unblur.errors import PhotoError
from unblur.photo import camera_raw, exif, iptc, libvips
from unblur.photo.libvips import KEEP_NO_EXIF_NO_IPTC, decoded_bytes
from unblur.photo.origin import Origin
from unblur.photo.tiff_kinds import check_supported
from unblur.photo.tiff_pages import pages
from unblur.photo.tiff_tags import (
    IPTC,
    LAYERS,
    OF_SAMPLES,
    ORIENTATION,
    PROFILE,
    RESOLUTION,
    Tags,
    append_tags,
    carried,
    number,
    numbers,
    read_tags,
)

MAGIC = re.compile(rb"II[*+]\0|MM\0[*+]")

_COMPRESSIONS = {
    1: "none", 3: "ccittfax4", 4: "ccittfax4", 5: "lzw", 7: "jpeg", 32773: "packbits",
    50001: "webp",
}  # fmt: skip
_OLD_DEFLATE = 32946
"""The same compression as 8."""
_PREDICTORS = {1: "none", 2: "horizontal", 3: "float"}
_DNG_VERSION = 0xC612
_PAGE_NUMBER, _EXTRA_SAMPLES, _FORMAT = 297, 338, 339
# Of the picture as it was stored, if that is turned.
_PLACES = {
    frozenset({33550, 33922, 34264, 34735, 34736, 34737}): "its place on the map (GeoTIFF)",
    frozenset({286, 287}): "its place on the page",
}


def load(file: BinaryIO, max_pixels: int | None) -> Any:
    """The stored picture; where others are copies or masks of one, that one.

    Raises:
        PhotoError: as `libvips.load`.
        UnknownFormatError: if it is of a kind that libvips cannot read.
    """
    found = pages(file)
    if found.hidden:
        raise PhotoError("begins with a smaller copy of its photo; save the photo alone")
    tags = read_tags(file, found.offset)
    check_supported(tags)
    file.seek(0)
    # Libtiff has an orientation that there is not for an error, and takes it for upright.
    strict = 1 <= number(tags, ORIENTATION, 1) <= 8
    image = libvips.load("tiff", file, max_pixels, page=found.photo, strict=strict).copy()
    for name in ("n-pages", "n-subifds", "iptc-data"):
        image.remove(name)
    if IPTC in tags:  # libtiff takes the records of a big-endian file for numbers
        libvips.set_blob(image, "iptc-data", tags[IPTC][2])
    # A resolution without a unit, which is the shape of the pixels, is none of millimetres.
    return image.copy(xres=1, yres=1) if number(tags, 296, 2) == 1 else image


def extras(file: BinaryIO) -> dict[str, Any]:
    """The tags, an EXIF block of them, and what is dropped; UnknownFormatError for a DNG."""
    found, left_out = pages(file), set[int]()
    tags = read_tags(file, found.offset, left_out)
    if found.offset != found.first:
        # What describes the photo may stand beside its smaller copy alone.
        tags = {**carried(read_tags(file, found.first, left_out)), **tags}
    if _DNG_VERSION in tags:
        raise camera_raw.refusal()
    dropped = list(found.others)
    if dropped:
        tags.pop(_PAGE_NUMBER, None)
    dropped += ["the layers of Photoshop"] if LAYERS in left_out else []
    dropped += [f"the tag {tag}" for tag in sorted(left_out - {LAYERS})]
    if 2 <= number(tags, ORIENTATION, 1) <= 8:
        dropped += [words for places, words in _PLACES.items() if places & tags.keys()]
        tags = {k: v for k, v in tags.items() if not any(k in places for places in _PLACES)}
    block, own = exif.from_tags(tags), _own_alone(tags)
    return {"tags": tags, "exif": block, "own": own, "dropped": tuple(dropped)}


def loses(origin: Origin) -> tuple[str, ...]:
    """What of a TIFF's layout libvips cannot write."""
    tags = origin.tags
    said = {
        "its palette (it becomes RGB)": number(tags, 262) == 3,
        "its separate planes": number(tags, 284, 1) == 2 and number(tags, 277, 1) > 1,
        "its half floats (they become 32-bit floats)": 16 in numbers(tags, 258)
        and number(tags, 339, 1) == 3,
        "its compression (it becomes Deflate)": number(tags, 259, 1)
        not in {*_COMPRESSIONS, 8, _OLD_DEFLATE},
    }
    return tuple(words for words, is_so in said.items() if is_so)


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture with the layout and the tags of a TIFF, or with the EXIF of another file."""
    options = _options(image, origin)
    if _premultiplied(image, origin.tags):
        image = _premultiply(image)
    if isinstance(file, io.BytesIO):
        file.write(image.tiffsave_buffer(**options))
    else:
        image.tiffsave_target(pyvips.Target.new_to_descriptor(file.fileno()), **options)
    tags = origin.tags or exif.tags_of(origin.exif)
    layout = _layout(image, origin.tags, options["compression"]) | _resolution(image, origin, tags)
    if profile := libvips.blob(image, "icc-profile-data"):
        layout[PROFILE] = (7, len(profile), profile)  # libvips leaves out one that does not fit
    if records := iptc.bare(libvips.blob(origin.header, "iptc-data")):
        # As bytes: libvips writes it as long words, and loses its end.
        tags = {**tags, IPTC: (7, len(records), records)}
    made_up = () if image.xres != 1 or image.yres != 1 else RESOLUTION
    append_tags(file, tags, layout, made_up)


def _own_alone(tags: Tags) -> tuple[str, ...]:
    """What of a TIFF no other format holds."""
    said = [f"the tag {tag}, which is too long" for tag in exif.left_out(tags)]
    across, down, unit = (tags.get(tag) for tag in RESOLUTION)
    aspect = unit and number(tags, 296) == 1 and across != down
    said += ["the aspect of its pixels"] if aspect else []
    said += ["the tags of its samples"] if set(tags) & OF_SAMPLES else []
    return tuple(said)


def _turned(tags: Tags) -> bool:
    """Whether width and height have been exchanged."""
    return number(tags, ORIENTATION, 1) >= 5


def _layout(image: Any, tags: Tags, compression: str) -> Tags:
    """Tags of the layout that libvips would write otherwise: their own values.

    It takes a sample beside the colours for alpha, and Lab for signed numbers.
    """
    kept: Tags = {}
    if compression == "deflate" and number(tags, 259) == _OLD_DEFLATE:
        kept[259] = (3, 1, struct.pack("<H", _OLD_DEFLATE))
    extra = tags.get(_EXTRA_SAMPLES)
    colours = {"cmyk": 4, "b-w": 1, "grey16": 1}.get(image.interpretation, 3)
    colours = 1 if number(tags, 262, 2) in (0, 1) else min(colours, image.bands)
    if extra and extra[1] == image.bands - colours and extra[0] == 3:
        kept[_EXTRA_SAMPLES] = extra
    if image.interpretation == "labs" and tags:
        kept[_FORMAT] = tags.get(_FORMAT, (3, image.bands, struct.pack("<H", 1) * image.bands))
    return kept


def _resolution(image: Any, origin: Origin, tags: Tags) -> Tags:
    """The resolution as the photo's tags say it, which may be a shape of pixels, without a unit.

    Args:
        tags: of a TIFF, or of EXIF, which has been turned already.
    """
    across, down, unit = (tags.get(tag) for tag in RESOLUTION)
    if not (across and down and across[0] == down[0] == 5):
        return {}
    if origin.tags and _turned(tags):
        across, down = down, across
    return dict(zip(RESOLUTION, (across, down, unit or (3, 1, struct.pack("<H", 2))), strict=True))


def _premultiplied(image: Any, tags: Tags) -> bool:
    """Whether the colours of the stored picture are multiplied by its alpha, which libvips undoes.

    ExtraSamples 1, associated alpha: TIFF 6.0, section 18.
    """
    return image.bands in (2, 4) and number(tags, _EXTRA_SAMPLES, 2) == 1


def _premultiply(image: Any) -> Any:
    if image.format not in ("uchar", "ushort"):
        return image.premultiply().cast(image.format).copy(interpretation=image.interpretation)
    colours, alpha = image[: image.bands - 1].cast("double"), image[image.bands - 1].cast("double")
    # libvips rounds down when it divides by alpha: half a step more gives the stored value back.
    scaled = ((colours + 0.499) * alpha / (255 if image.format == "uchar" else 65535)).rint()
    scaled = (scaled > alpha).ifthenelse(alpha, scaled)
    return scaled.bandjoin(alpha).cast(image.format).copy(interpretation=image.interpretation)


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
