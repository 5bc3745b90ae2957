"""PNG: how it is recognised, read and written. Its chunks are in `png_chunks`, text in `png_text`.

libvips writes the pixels alone; all else is written here, so that it comes back byte for byte.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import replace
from typing import Any, BinaryIO

import pyvips

from unblur.photo import iptc, libvips, photoshop, png_text
from unblur.photo.cicp import Cicp, light_boxes, light_chunks
from unblur.photo.exif import tags_of
from unblur.photo.libvips import KEEP_NONE, blob, save_streamed, set_blob
from unblur.photo.origin import Origin
from unblur.photo.png_chunks import (
    SIGNATURE,
    Chunk,
    Chunks,
    adapted,
    chunk,
    read_chunks,
    turned,
    words,
)
from unblur.photo.png_palette import with_palette
from unblur.photo.tiff_tags import ORIENTATION, number

MAGIC = re.compile(re.escape(SIGNATURE))
HEAD = 33
"""Bytes of the signature and the header chunk."""

_PALETTE_PIXELS = 2**25
_END = chunk(b"IEND", b"")


def load(file: BinaryIO, max_pixels: int | None) -> Any:
    """The stored picture, with EXIF, XMP and IPTC wherever they lie; raises PhotoError.

    As `libvips.load`, and if the file is animated or is no PNG proper.
    """
    found = read_chunks(file)
    file.seek(0)
    image = libvips.load("png", file, max_pixels).copy()
    for name in image.get_fields():
        if name.startswith(("png-comment-", "exif-", "xmp-data", "orientation")):
            image.remove(name)
    blocks = _blocks(found)
    for field, data in blocks.items():
        set_blob(image, field, data)
    profile = _profile(found)
    if profile and not image.get_typeof("icc-profile-data"):  # libpng takes none with a flaw
        set_blob(image, "icc-profile-data", profile)
    if image.get_typeof("exif-data"):
        image.set_type(pyvips.GValue.gint_type, "orientation", _orientation(blocks))
    if found.first(b"pHYs")[8:] != b"\1":  # a shape of pixels, not a resolution
        image = image.copy(xres=1, yres=1)
    return image


def extras(file: BinaryIO) -> dict[str, Any]:
    """The chunks, and what they say of the colours."""
    found = read_chunks(file)
    found = turned(found, _orientation(_blocks(found)))
    points = found.first(b"cICP")
    said = Cicp(points[0], points[1], points[2], bool(points[3])) if len(points) == 4 else None
    light = {b"mDCV": found.first(b"mDCV", b"mDCv"), b"cLLI": found.first(b"cLLI", b"cLLi")}
    return {
        "chunks": found,
        "cicp": said,
        "boxes": light_boxes(light),
        "own": words(found, bool(found.first(b"iCCP"))) + _unread(found),
        "dropped": found.dropped,
    }


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture, with a palette if the photo has one and its colours still fit."""
    interlaced = bool(origin.header.get_typeof("interlaced"))
    options: dict[str, Any] = {"interlace": interlaced, "keep": KEEP_NONE}
    depth = 8 if image.format == "uchar" else 16
    few = origin.bits in (1, 2, 4) and image.bands == 1 and depth == 8
    if few and image.width * image.height <= _PALETTE_PIXELS:
        image = image.copy_memory()  # it may come from a file that is read once
        if _fits(image, origin.bits):
            options["bitdepth"] = depth = origin.bits
    found = _foreign(image, origin) if origin.chunks is None else _own(image, origin, depth)
    early = b"".join(bytes(one) for one in found if not one.late)
    late = b"".join(bytes(one) for one in found if one.late)

    def begin(start: bytes) -> bytes:
        # libvips makes up a resolution.
        rest = start[HEAD + 21 :] if start[HEAD + 4 : HEAD + 8] == b"pHYs" else start[HEAD:]
        return start[:HEAD] + early + rest

    if (
        origin.header.get_typeof("palette")
        and image.format == "uchar"
        and image.bands >= 3
        and image.width * image.height <= _PALETTE_PIXELS
    ):
        whole = begin(image.pngsave_buffer(**options))
        histogram = origin.chunks is not None and bool(origin.chunks.first(b"hIST"))
        file.write(with_palette(whole, image.numpy(), origin.bits, interlaced, histogram))
    else:
        save_streamed(image, "png", options, begin, file)
    if late:
        file.seek(-len(_END), io.SEEK_END)
        file.write(late + _END)


def _fits(grey: Any, bits: int) -> bool:
    """Whether a grey picture of 8 bits has such levels alone as so few bits can hold."""
    return (grey % (255 // (2**bits - 1))).max() == 0


def exif_chunk(exif: bytes) -> list[Chunk]:
    return [Chunk(b"eXIf", png_text.bare(exif))] if exif else []


def _own(image: Any, origin: Origin, depth: int) -> list[Chunk]:
    """The chunks of a PNG for its new pixels."""
    assert origin.chunks is not None
    new = {name: blob(image, f"{name}-data") for name in ("xmp", "photoshop")}
    new["exif"], new["iptc"] = origin.exif, blob(image, "iptc-data").removeprefix(photoshop.HEAD)
    made = []
    for one in adapted(origin.chunks, image.bands, depth):
        if one.name == b"eXIf":
            one = replace(one, data=png_text.bare(origin.exif))
        elif one.name in png_text.NAMES and (role := png_text.role(one.data)) in new:
            old, current = map(png_text.bare, (png_text.block(one.name, one.data), new[role]))
            if old and not current:
                continue
            if old != current:
                one = replace(one, data=png_text.with_block(one.name, one.data, current))
        made.append(one)
    return made


def _foreign(image: Any, origin: Origin) -> list[Chunk]:
    """The chunks for the metadata of a file of another format."""
    made = []
    profile = blob(image, "icc-profile-data")
    if profile:
        made.append(Chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)))
    if origin.cicp is not None and not origin.cicp.plain:
        made.append(Chunk(b"cICP", bytes((origin.cicp.primaries, origin.cicp.transfer, 0, 1))))
    made += [Chunk(name, data) for name, data in light_chunks(origin.boxes).items()]
    if (image.xres, image.yres) != (1, 1):
        across, down = (min(round(size * 1000), 2**31 - 1) for size in (image.xres, image.yres))
        made.append(Chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    made += exif_chunk(origin.exif)
    if xmp := blob(image, "xmp-data"):
        made.append(Chunk(b"iTXt", png_text.XMP + bytes(5) + xmp))
    if records := blob(image, "iptc-data"):
        resource = iptc.wrapped(records).removeprefix(photoshop.HEAD)
        made.append(Chunk(b"zTXt", png_text.profile_chunk(b"iptc", resource)))
    if resources := blob(image, "photoshop-data"):
        made.append(Chunk(b"zTXt", png_text.profile_chunk(b"8bim", resources)))
    return made


def _blocks(found: Chunks) -> dict[str, bytes]:
    """EXIF, XMP, IPTC and Photoshop's resources, as libvips names them."""
    blocks = {"exif": found.first(b"eXIf")}
    for one in found.carried:
        role = png_text.role(one.data) if one.name in png_text.NAMES else "text"
        if role != "text" and not blocks.get(role):
            blocks[role] = png_text.bare(png_text.block(one.name, one.data))
    records = blocks.get("iptc") or blocks.get("photoshop", b"")
    blocks["iptc"] = photoshop.HEAD + records if records.startswith(b"8BIM") else records
    return {f"{name}-data": data for name, data in blocks.items() if data}


def _unread(found: Chunks) -> tuple[str, ...]:
    """What stands in compressed chunks that are damaged or too large: a copy of a PNG holds it."""
    names = {"exif": "EXIF", "xmp": "XMP", "iptc": "IPTC records", "photoshop": "resources"}
    said = ["ICC profile"] if found.first(b"iCCP") and not _profile(found) else []
    for one in found.carried:
        role = png_text.role(one.data) if one.name in png_text.NAMES else "text"
        if role in names and not png_text.block(one.name, one.data):
            said.append(names[role])
    return tuple(f"its {what}, which cannot be read" for what in dict.fromkeys(said))


def _profile(found: Chunks) -> bytes:
    return png_text.block(b"zTXt", found.first(b"iCCP"))  # the same layout


def _orientation(blocks: dict[str, bytes]) -> int:
    """1 to 8; 1 if EXIF does not say."""
    value = number(tags_of(png_text.bare(blocks.get("exif-data", b""))), ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1
