"""The kinds of TIFF that libvips cannot read, told by their tags."""

from __future__ import annotations

from unblur.photo.libvips import unsupported
from unblur.photo.tiff_tags import Tags, number, numbers

# Libtiff's names; libvips' binary package is built without them.
_UNREAD_COMPRESSIONS = {
    34661: "JBIG", 34712: "JPEG 2000", 33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000",
    34887: "LERC", 34892: "lossy JPEG of a DNG", 34925: "LZMA", 34933: "PNG", 34934: "JPEG XR",
    22610: "JPEG XR", 50000: "ZSTD", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
# By SampleFormat: whole numbers, signed ones, floats, and 4, undefined.
_BITS = {1: {1, 2, 4, 8, 16, 32}, 2: {8, 16, 32}, 3: {16, 32}, 4: {8, 16, 32}}
_UNREAD_COLOURS = {
    9: "ICC L*a*b*", 10: "ITU L*a*b*", 32803: "a sensor's mosaic of", 34892: "a sensor's",
    32844: "LogL", 32845: "LogLuv",
}  # fmt: skip


def check_supported(tags: Tags) -> None:
    """Raise UnknownFormatError for a valid file of a kind that libvips cannot read."""
    compression, colours = number(tags, 259, 1), number(tags, 262, 1)
    bits, form = set(numbers(tags, 258)) or {1}, set(numbers(tags, 339)) or {1}
    if compression in _UNREAD_COMPRESSIONS:
        name = _UNREAD_COMPRESSIONS[compression]
        advice = "save it with LZW or Deflate compression first"
        raise unsupported(f"{name} compression", "tiff", advice)
    if colours == 8 and bits == {8}:
        raise unsupported("L*a*b* colours of 8 bit", "tiff", "convert it to RGB first")
    if colours == 6 and compression not in (6, 7):  # which libvips takes for RGB
        raise unsupported("YCbCr colours", "tiff", "convert it to RGB first")
    if colours in _UNREAD_COLOURS:
        advice = "convert it to RGB first"
        raise unsupported(f"{_UNREAD_COLOURS[colours]} colours", "tiff", advice)
    if not any(bits <= _BITS.get(kind, set()) for kind in form):
        said = " and ".join(map(str, sorted(bits)))
        names = {1: "", 2: "signed ", 3: "floating-point ", 5: "complex ", 6: "complex "}
        name = names.get(min(form), "unknown ")
        advice = "save it with 8 or 16 bit, or 32-bit floats"
        raise unsupported(f"{name}samples of {said} bit", "tiff", advice)
