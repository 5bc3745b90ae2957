"""What AVIF and HEIC files say beyond their pixels: colours, HDR data, other pictures."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

from unblur.errors import PhotoError
from unblur.photo import av1
from unblur.photo.bmff import Contents, contents
from unblur.photo.cicp import CARRIED, Cicp
from unblur.photo.exif import LEAD
from unblur.photo.names import printable

_PICTURES = (
    b"av01",
    b"hvc1",
    b"avc1",
    b"jpeg",
    b"j2k1",
    b"vvc1",
    b"unci",
    b"grid",
    b"iovl",
    b"iden",
)
_STRUCTURE = (b"ftyp", b"meta", b"mdat", b"free", b"skip", b"wide", b"moov", b"styp", b"idat")
_LARGEST_SIDE = 100_000_000
"""Of a picture, in libvips."""
_XMP = b"application/rdf+xml"
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_ALPHA = (b"auxiliary:alpha", b"hevc:2015:auxid:1")
_DEPTH = (b"auxiliary:depth", b"hevc:2015:auxid:2")
# Of the picture's coding and geometry, which decoding uses up.
_CODING = (
    *(b"ispe", b"pixi", b"av1C", b"hvcC", b"avcC", b"vvcC", b"jpgC", b"lhvC", b"uncC", b"cmpd"),
    *(b"irot", b"imir", b"clap", b"colr", b"auxC", b"lsel", b"a1op", b"a1lx", b"oinf", b"tols"),
    *(b"rloc", b"subs", b"rref", b"free", b"skip"),
)


def check(file: BinaryIO) -> None:
    """Refuse a file that is not one picture, or whose colours are multiplied by its transparency.

    Raises:
        PhotoError: if it is so.
    """
    found = contents(file)
    file.seek(0)
    if (found.frames or 0) > 1 or (found.frames is not None and not found.items):
        raise PhotoError("is animated or has several pictures; a single picture was expected")
    if any(kind == b"prem" for kind, _, _ in found.references):
        why = "has premultiplied transparency, which is not supported; convert it to PNG first"
        raise PhotoError(why)
    for box in found.properties.get(found.primary, []):
        if box[4:8] == b"ispe" and len(box) >= 20:
            width, height = struct.unpack_from(">II", box, 12)
            # GLib prints a warning of its own, where libvips passes it on.
            if max(width, height) >= _LARGEST_SIDE:
                raise PhotoError(f"is damaged (a size of {width}x{height})")


def extras(file: BinaryIO) -> dict[str, Any]:
    """The code points of the colours, the boxes that describe the photo, and what is dropped."""
    found = contents(file)
    properties = found.properties.get(found.primary, [])
    carried = {box[4:8]: box for box in properties if box[4:8] in CARRIED}
    applied = _orientation(properties)
    if b"pasp" in carried and applied >= 5:
        box = carried[b"pasp"]
        carried[b"pasp"] = box[:8] + box[12:16] + box[8:12]
    return {
        "cicp": _cicp(file, found, properties),
        "boxes": carried,
        "dropped": tuple(dict.fromkeys(_dropped(found, properties))),
        "applied": applied,
    }


def _orientation(properties: list[bytes]) -> int:
    """The orientation that the decoder applies, numbered as in EXIF: 1 to 8.

    ISO/IEC 23008-12, 6.5.10 (`irot`: quarter turns anticlockwise) and 6.5.12 (`imir`: 0 exchanges
    top and bottom, 1 left and right), one after the other.
    """
    mirrored, quarters = False, 0  # left and right first, the turns behind it
    for box in properties:
        value = int.from_bytes(box[8:9], "big")
        if box[4:8] == b"irot":
            quarters += value & 3
        elif box[4:8] == b"imir":
            mirrored, quarters = not mirrored, (0 if value & 1 else 2) - quarters
    return ((2, 5, 4, 7) if mirrored else (1, 8, 3, 6))[quarters % 4]


def _cicp(file: BinaryIO, found: Contents, properties: list[bytes]) -> Cicp | None:
    """By the box, or else, without a profile, by the stream itself."""
    colours = [box for box in properties if box[4:8] == b"colr"]
    said = next((cicp for cicp in map(Cicp.of_colr, colours) if cicp), None)
    extents = found.locations.get(found.primary, [])
    item = found.items.get(found.primary)
    if said or colours or not extents or item is None or item.kind != b"av01":
        return said
    file.seek(min(extents[0][0], 2**62))
    points = av1.colours(file.read(256))
    return Cicp(*points) if points else None


def _dropped(found: Contents, properties: list[bytes]) -> list[str]:
    """What no result has, in words; thumbnails, which show the old picture, go without one."""
    words = [_auxiliary(found, number) for kind, number, _ in found.references if kind == b"auxl"]
    if any(item.kind == b"tmap" for item in found.items.values()):
        words.append("the gain map of an HDR photo")
    below = {number for kind, number, _ in found.references if kind in (b"thmb", b"auxl")}
    below |= {number for kind, _, number in found.references if kind == b"dimg"}
    pictures = {n for n, i in found.items.items() if i.kind in _PICTURES and not i.hidden}
    others = len(pictures - below - {found.primary})
    words += [f"{others} other picture{'s' * (others > 1)} of the file"] if others else []
    for item in found.items.values():
        if item.kind == b"mime" and item.content != _XMP:
            words.append(f"its data of the type {printable(item.content)}")
        elif item.kind == b"uri ":
            words.append("its data of a type named by a URI")
    strange = {box[4:8] for box in properties} - {*_CODING, *CARRIED}
    words += [f"its property {printable(kind)}" for kind in sorted(strange)]
    return [word for word in words if word] + _top_level(found)


def _auxiliary(found: Contents, number: int) -> str:
    box = next((b for b in found.properties.get(number, []) if b[4:8] == b"auxC"), b"")
    kind = box[12:].split(b"\0")[0]
    if kind.endswith(_ALPHA):
        return ""
    if kind.endswith(_DEPTH):
        return "its depth map"
    if kind.endswith(b"hdrgainmap"):
        return "the gain map of an HDR photo"
    return f"its auxiliary picture ({printable(kind.rsplit(b':', 1)[-1])})"


def _top_level(found: Contents) -> list[str]:
    words = []
    for kind in dict.fromkeys(found.others):
        if kind == b"mpvd":
            words.append("the film of a motion photo")
        elif kind == b"uuid" + _C2PA:
            words.append("its content credentials (C2PA), which are signed for the old pixels")
        elif kind not in _STRUCTURE:
            words.append(f"its box {printable(kind[:4])}")
    return words


def exif_item(exif: bytes) -> bytes:
    """An EXIF block as the content of an item: ISO/IEC 23008-12, A.2.1."""
    return struct.pack(">I", 0) + exif.removeprefix(LEAD)
