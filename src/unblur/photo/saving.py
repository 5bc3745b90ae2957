"""Writes a picture in a format, with everything that was read beside the pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyvips

from unblur.errors import CannotHoldError, PhotoError
from unblur.photo import iptc, jpeg, png, webp
from unblur.photo.colours import Colours
from unblur.photo.opening import reason
from unblur.photo.tags import IPTC, Tags, append_tags, number, read_tags

# libvips' flags of what to keep: EXIF, XMP, IPTC, profile, everything else.
_ALL, _NO_EXIF, _NO_IPTC = 31, 30, 26
# At 97 without chroma sub-sampling even hard coloured edges come back with 45 dB.
_LOWEST_QUALITY = 97
_COMPRESSIONS = {
    1: "none",
    3: "ccittfax4",
    4: "ccittfax4",
    5: "lzw",
    7: "jpeg",
    32773: "packbits",
    50001: "webp",
}
_PREDICTORS = {1: "none", 2: "horizontal", 3: "float"}
_PALETTE_PIXELS = 2**25


@dataclass(frozen=True)
class Origin:
    """What was read beside the pixels.

    Attributes:
        kind: the format.
        header: the stored picture, upright; its fields are profile, XMP, IPTC, resolution, ...
        colours: how the stored samples relate to the shown ones.
        exif: an EXIF block whose orientation is upright; empty if there is none.
        tags: of a TIFF.
        chunks: of a PNG, those that libvips drops.
        head: a JPEG's beginning.
        lossless: whether a WebP is.
    """

    kind: str
    header: Any
    colours: Colours
    exif: bytes = b""
    tags: Tags = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    head: bytes = b""
    lossless: bool = False


def write_picture(shown: Any, new: Any, origin: Origin, kind: str, file: BinaryIO) -> None:
    """Writes the new picture into an empty file that can be read and written.

    Args:
        shown: what the network got.
        new: what it gave, of the same bands and format.

    Raises:
        PhotoError: if the format cannot hold it, or the file cannot be written.
        OSError: if the file cannot be written.
    """
    check_holds(origin, shown, kind)
    native = origin.colours.kind == "plain" or kind in ("tiff", "jpeg")
    image = origin.colours.stored(new, shown, origin.header) if native else new
    image = _with_fields(image, origin, native, kind)
    options = _options(image, origin, kind)
    try:
        if kind == "tiff":
            _write_tiff(image, options, origin, file)
        elif kind == "jpeg" or (kind == "png" and not _wants_palette(image, origin)):
            _stream(image, options, _beginning(origin, kind), kind, file)
        else:
            file.write(_buffer(image, options, origin, kind))
    except pyvips.Error as error:
        why = "no space left on the disk" if "No space left" in str(error) else reason(error)
        raise PhotoError(f"cannot be written as {kind.upper()} ({why})") from None


def check_holds(origin: Origin, shown: Any, kind: str) -> None:
    """Raises CannotHoldError if the format cannot hold the photo's channels or depth."""
    name = kind.upper()
    if kind == "jpeg" and shown.bands in (2, 4):
        raise CannotHoldError(
            "has transparency, which JPEG cannot hold; name a .png or .webp output"
        )
    if origin.colours.kind == "numbers" and kind != "tiff":
        raise CannotHoldError(f"has samples that {name} cannot hold; name a .tif output")
    deep = shown.format == "ushort" and (origin.colours.kind != "cmyk" or kind != "jpeg")
    holds = ("png", "tiff", "avif") if 8 < _bits(origin) <= 12 else ("png", "tiff")
    if (deep or shown.format == "ushort") and kind not in holds:
        raise CannotHoldError(f"has 16 bit a channel, which {name} cannot hold; name a .png output")


def _with_fields(image: Any, origin: Origin, native: bool, kind: str) -> Any:
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
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    if kind == "jpeg" and header.get_typeof("iptc-data"):
        records = iptc.wrapped(header.get("iptc-data"))
        image.set_type(pyvips.GValue.blob_type, "iptc-data", records)
    return image


def _options(image: Any, origin: Origin, kind: str) -> dict[str, Any]:
    header, deep = origin.header, image.format != "uchar"
    progressive = bool(header.get_typeof("interlaced"))
    keep = _ALL if origin.exif and kind in ("webp", "avif") else _NO_EXIF
    if kind == "jpeg":
        tables = jpeg.tables_of(origin.head)
        quality = jpeg.quality(tables, _LOWEST_QUALITY)
        return {"Q": quality, "subsample_mode": "off", "interlace": progressive, "keep": keep}
    if kind == "png":
        few = image.bands == 1 and not deep and _bits(origin) in (1, 2, 4)
        depth = {"bitdepth": _bits(origin)} if few else {}
        return {"interlace": progressive, "keep": keep, **depth}
    if kind == "webp":
        # Lossy WebP halves the colours' resolution whatever its quality.
        loss = {"lossless": True} if origin.lossless else {"near_lossless": True, "Q": 60}
        return {"exact": True, "keep": keep, **loss}
    if kind == "avif":
        depth = {"bitdepth": _bits(origin) if deep else 8}
        # Its alpha is as lossy as its colours.
        loss = {"lossless": True} if image.bands in (2, 4) else {"Q": 98, "subsample_mode": "off"}
        return {"compression": "av1", "keep": keep, **depth, **loss}
    if kind == "gif":
        return {"dither": 0, "keep": keep}
    return _tiff_options(image, origin) | {"keep": _NO_IPTC}


def _tiff_options(image: Any, origin: Origin) -> dict[str, Any]:
    tags, options = origin.tags, dict[str, Any]()
    bits = _bits(origin)
    few = image.bands == 1 and image.format == "uchar" and bits in (1, 2, 4)
    compression = _COMPRESSIONS.get(number(tags, 259, 8), "deflate")
    if image.format != "uchar" and compression in ("jpeg", "webp"):
        compression = "deflate"
    if compression == "ccittfax4" and not (few and bits == 1):
        compression = "deflate"
    options["compression"] = compression
    if compression in ("lzw", "deflate") and not few:
        usual = "float" if image.format == "float" else "horizontal"
        options["predictor"] = _PREDICTORS.get(number(tags, 317, 1), "none") if tags else usual
        if options["predictor"] == "float" and image.format != "float":
            options["predictor"] = "none"
    options |= {"jpeg": {"Q": 98}, "webp": {"lossless": True}}.get(compression, {})
    if few:
        options["bitdepth"] = bits
    if tags and number(tags, 262, 1) == 0:
        options["miniswhite"] = True
    width, height = number(tags, 322), number(tags, 323)
    if width and height and width % 16 == 0 and height % 16 == 0:
        options |= {"tile": True, "tile_width": width, "tile_height": height}
    sample = {"uchar": 1, "char": 1, "ushort": 2, "short": 2}.get(image.format, 4)
    # Offsets of a plain TIFF end at 4 GiB; what does not compress grows a little.
    options["bigtiff"] = image.width * image.height * image.bands * sample > 3.9e9
    return options


def _bits(origin: Origin) -> int:
    header = origin.header
    return header.get("bits-per-sample") if header.get_typeof("bits-per-sample") else 8


def _wants_palette(image: Any, origin: Origin) -> bool:
    return (
        origin.header.get_typeof("palette") != 0
        and image.format == "uchar"
        and image.bands >= 3
        and image.width * image.height <= _PALETTE_PIXELS
    )


def _beginning(origin: Origin, kind: str) -> Any:
    """Turns the first bytes that libvips writes into those with what it leaves out."""
    if kind == "jpeg":
        comments = jpeg.comments_of(origin.head)
        density = jpeg.density_of(origin.head)
        return lambda start: jpeg.with_segments(start, origin.exif, comments, density)
    chunks = b"".join([*origin.chunks, *png.exif_chunk(origin.exif)])
    return lambda start: start[: png.HEAD] + chunks + start[png.HEAD :]


def _stream(image: Any, options: dict[str, Any], begin: Any, kind: str, file: BinaryIO) -> None:
    failures: list[OSError] = []
    start = bytearray()
    started = False

    def on_write(data: Any) -> int:
        nonlocal started
        try:
            if started:
                file.write(data)
            else:
                start.extend(data)
                if len(start) >= 64:
                    file.write(begin(bytes(start)))
                    started = True
        except OSError as error:
            failures.append(error)
            return -1
        return len(data)

    # Its errors would be printed from inside libvips' call back; this one is made before.
    begin(b"\xff\xd8\xff\xdb\0\2")
    target = pyvips.TargetCustom()
    target.on_write(on_write)
    try:
        getattr(image, f"{kind}save_target")(target, **options)
    finally:
        if failures:
            raise failures[0] from None


def _write_tiff(image: Any, options: dict[str, Any], origin: Origin, file: BinaryIO) -> None:
    try:
        descriptor = file.fileno()
    except OSError:
        file.write(image.tiffsave_buffer(**options))
    else:
        image.tiffsave_target(pyvips.Target.new_to_descriptor(descriptor), **options)
    tags = origin.tags or read_tags(io.BytesIO(origin.exif.removeprefix(b"Exif\0\0")))
    if origin.header.get_typeof("iptc-data"):
        # As bytes: libvips writes it as long words, and loses its end.
        records = iptc.bare(origin.header.get("iptc-data"))
        tags = {**tags, IPTC: (7, len(records), records)} if records else tags
    append_tags(file, tags)


def _buffer(image: Any, options: dict[str, Any], origin: Origin, kind: str) -> bytes:
    if kind == "png":
        start = _beginning(origin, kind)(image.pngsave_buffer(**options))
        return png.with_palette(start, image.numpy(), _bits(origin))
    if origin.exif and kind in ("webp", "avif"):
        image = _with_exif(image, origin.exif)
    if kind == "avif":
        return image.heifsave_buffer(**options)
    data = getattr(image, f"{kind}save_buffer")(**options)
    return webp.with_exif(data, origin.exif) if kind == "webp" and origin.exif else data


def _with_exif(image: Any, exif: bytes) -> Any:
    """The image with EXIF as libvips wants it: the block, and each tag as a field."""
    small: Any = pyvips.Image.black(8, 8)
    carrier = pyvips.Image.jpegload_buffer(
        jpeg.with_segments(small.jpegsave_buffer(keep=0), exif, [], b"")
    )
    image = image.copy()
    for name in carrier.get_fields():
        if name.startswith("exif-"):
            image.set_type(carrier.get_typeof(name), name, carrier.get(name))
    return image
