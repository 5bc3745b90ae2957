"""JPEG: how it is recognised, read and written; its quality."""

from __future__ import annotations

import re
import struct
from typing import Any, BinaryIO

import numpy as np
import pyvips

from unblur.photo import exif, extended_xmp, iptc, libvips, photoshop
from unblur.photo import jpeg_segments as segment
from unblur.photo.density import resolution
from unblur.photo.jpeg_segments import Segment, segments
from unblur.photo.libvips import KEEP_NONE, blob, save_streamed, set_blob
from unblur.photo.origin import Origin
from unblur.photo.tiff_tags import ORIENTATION, number

MAGIC = re.compile(rb"\xff\xd8\xff")

# At 97 without chroma sub-sampling even hard coloured edges come back with 45 dB.
_LOWEST_QUALITY = 97

# fmt: off
# The example tables of the JPEG standard (Annex K), which a quality scales, in zigzag order.
_LUMINANCE = np.array([
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
])
_CHROMINANCE = np.array([
    17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
])
# fmt: on


def load(file: BinaryIO, max_pixels: int | None) -> Any:
    """The stored picture; XMP, IPTC and Photoshop's resources whole, of however many segments.

    Raises:
        PhotoError: as `libvips.load`.
    """
    found = segment.described(file)
    file.seek(0)
    image = libvips.load("jpeg", file, max_pixels).copy()
    if segment.has_broken_profile(found):
        image.remove("icc-profile-data")
    resources = _resources(found)
    fields = {
        "xmp-data": _xmp(found)[0],
        "photoshop-data": resources,
        "iptc-data": photoshop.records(resources),
    }
    for name, data in fields.items():
        image.remove(name)
        if data:
            set_blob(image, name, data)
    if block := _odd_exif(found):
        tags = exif.tags_of(block)
        set_blob(image, "exif-data", segment.EXIF + block)
        image.set_type(pyvips.GValue.gint_type, "orientation", number(tags, ORIENTATION, 1))
    across, down = resolution(found)
    return image.copy(xres=across, yres=down)


def extras(file: BinaryIO) -> dict[str, Any]:
    """The segments that are written again, what is dropped, and what only a JPEG holds."""
    found, dropped = segment.read_segments(file)
    kept = segment.carried(found)
    tables = [(marker, body) for marker, body in found if marker == 0xDB]
    jfif = [(m, body) for m, body in found if _is_jfif(m, body)]
    names = {
        "its comments" if m == segment.COMMENT else f"its APP{m - 0xE0} segments" for m, _ in kept
    }
    if any(_aspect(body) for _, body in jfif[:1]):
        names.add("the aspect of its pixels")
    blocks = sum(m == segment.APP1 and body.startswith(segment.EXIF) for m, body in found)
    dropped += ["a second block of EXIF"] if blocks > 1 else []
    dropped += _xmp(found)[1]
    head = b"\xff\xd8" + segment.serialised([*jfif[:1], *tables, *kept])
    return {"head": head, "own": tuple(sorted(names)), "dropped": tuple(dropped)}


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture without chroma sub-sampling, nowhere quantised coarser than the photo.

    Raises:
        CannotHoldError: as `check`.
    """
    added = _added(origin)
    if not origin.head and image.bands < 4:
        # From another format. JFIF is not for CMYK.
        added.insert(0, (segment.APP0, _jfif(origin.header.xres, origin.header.yres)))

    def begin(start: bytes) -> bytes:
        return with_segments(start, added)

    if profile := blob(image, "icc-profile-data"):
        added += segment.profile_segments(profile)  # libvips leaves out one that does not fit
    options = {"Q": _quality(tables_of(origin.head)), "subsample_mode": "off"}
    options |= {"interlace": bool(origin.header.get_typeof("interlaced")), "keep": KEEP_NONE}
    save_streamed(image, "jpeg", options, begin, file)


def check(origin: Origin) -> None:
    """Raise CannotHoldError if a photo's EXIF, XMP or profile is longer than a JPEG can hold."""
    segment.serialised(_added(origin))
    segment.profile_segments(blob(origin.header, "icc-profile-data"))


def turned(head: bytes) -> bytes:
    """`Origin.head` for a picture whose width and height have been exchanged."""
    found = [
        (
            marker,
            body[:8] + body[10:12] + body[8:10] + body[12:] if _is_jfif(marker, body) else body,
        )
        for marker, body in segments(head)
    ]
    return head[:2] + segment.serialised(found)


def tables_of(head: bytes) -> list[np.ndarray]:
    """The quantisation tables in the beginning of a file, luminance first."""
    tables: list[np.ndarray] = []
    for marker, body in segments(head):
        at = 0
        while marker == 0xDB and at < len(body):
            size = 2 if body[at] >> 4 else 1
            table = body[at + 1 : at + 1 + 64 * size]
            if len(table) == 64 * size:
                tables.append(np.frombuffer(table, ">u2" if size == 2 else "u1").astype(int))
            at += 1 + 64 * size
    return tables


def exif_segments(block: bytes) -> list[Segment]:
    """The segment of an EXIF block, none if it is empty."""
    return [(segment.APP1, exif.LEAD + block.removeprefix(exif.LEAD))] if block else []


def with_segments(start: bytes, added: list[Segment]) -> bytes:
    """The beginning of a file with segments behind its JFIF segment, which they may replace.

    Raises:
        CannotHoldError: if one is longer than a segment can be.
    """
    own = 2
    if start[2:4] == b"\xff\xe0":
        own += 2 + int.from_bytes(start[4:6], "big")
    kept = 2 if added and _is_jfif(*added[0]) else own
    return start[:kept] + segment.serialised(added) + start[own:]


def _added(origin: Origin) -> list[Segment]:
    """The segments of a photo's metadata, but for the profile."""
    header = origin.header
    head = list(segments(origin.head))
    # Without the thumbnail.
    added = [(m, body[:12] + b"\0\0") for m, body in head if _is_jfif(m, body)]
    added += exif_segments(origin.exif)
    if xmp := blob(header, "xmp-data"):
        packets = extended_xmp.segments(xmp)
        added += [(segment.APP1, packet) for packet in packets]
    resources = blob(header, "photoshop-data")
    if records := iptc.bare(blob(header, "iptc-data")):
        resources = photoshop.with_records(resources, records)
    room = segment.LONGEST - len(photoshop.HEAD)
    added += [
        (segment.APP13, photoshop.HEAD + resources[at : at + room])
        for at in range(0, len(resources), room)
    ]
    return added + segment.carried(head)


def _is_jfif(marker: int, body: bytes) -> bool:
    return marker == segment.APP0 and body.startswith(b"JFIF\0") and len(body) >= 12


def _aspect(jfif: bytes) -> bool:
    """Whether it says the shape of the pixels: JFIF 1.02, densities of unit 0."""
    return jfif[7] == 0 and jfif[8:10] != jfif[10:12]


def _jfif(across: float, down: float) -> bytes:
    """The content of a JFIF segment; the resolution in pixels a millimetre, 1 if unknown."""
    inches = [min(max(round(value * 25.4), 1), 65535) for value in (across, down)]
    unit, x, y = (0, 1, 1) if across == down == 1 else (1, *inches)
    return struct.pack(">5sHBHHBB", b"JFIF\0", 0x102, unit, x, y, 0, 0)


def _xmp(found: list[Segment]) -> tuple[bytes, list[str]]:
    """The packet, and what of XMP is lost, in a few words each."""
    bodies = [body for marker, body in found if marker == segment.APP1]
    packets = [body for body in bodies if body.startswith(extended_xmp.STANDARD)]
    parts = [body for body in bodies if body.startswith(extended_xmp.EXTENSION)]
    packet = packets[0][len(extended_xmp.STANDARD) :] if packets else b""
    whole, lost = extended_xmp.joined(packet, parts)
    return whole, lost + (["a second packet of XMP"] if len(packets) > 1 else [])


def _odd_exif(found: list[Segment]) -> bytes:
    """A block behind another sixth byte than zero, which readers pass by, and libvips does not."""
    bodies = (body for marker, body in found if marker == segment.APP1)
    first = next((body for body in bodies if body.startswith(segment.EXIF[:5])), segment.EXIF)
    return first[6:] if not first.startswith(segment.EXIF) else b""


def _resources(found: list[Segment]) -> bytes:
    return b"".join(
        body[len(photoshop.HEAD) :]
        for marker, body in found
        if marker == segment.APP13 and body.startswith(photoshop.HEAD)
    )


def _quality(tables: list[np.ndarray]) -> int:
    """The lowest quality, from 97 on, whose quantisation is nowhere coarser than the tables'."""
    for candidate in range(_LOWEST_QUALITY, 100):
        ours = _scaled(_LUMINANCE, candidate), _scaled(_CHROMINANCE, candidate)
        if all((ours[min(i, 1)] <= table).all() for i, table in enumerate(tables)):
            return candidate
    return 100


def _scaled(table: np.ndarray, quality: int) -> np.ndarray:
    return ((table * (200 - 2 * quality) + 50) // 100).clip(1, 255)
