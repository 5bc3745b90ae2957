"""JPEG: how it is recognised, read and written; its quality, and its segments (EXIF, comments)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from unblur.errors import CannotHoldError, Hint
from unblur.photo import iptc
from unblur.photo.libvips import KEEP_NO_EXIF, save_streamed, set_blob
from unblur.photo.origin import Origin

MAGIC = re.compile(rb"\xff\xd8\xff")

# At 97 without chroma sub-sampling even hard coloured edges come back with 45 dB.
_LOWEST_QUALITY = 97
_HEAD_BYTES = 2**22
_LONGEST_SEGMENT = 65533

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


def extras(file: BinaryIO) -> dict[str, Any]:
    return {"head": file.read(_HEAD_BYTES)}


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture without chroma sub-sampling, nowhere quantised coarser than the photo."""
    if origin.header.get_typeof("iptc-data"):
        set_blob(image, "iptc-data", iptc.wrapped(origin.header.get("iptc-data")))
    comments, density = comments_of(origin.head), density_of(origin.head)

    def begin(start: bytes) -> bytes:
        return with_segments(start, origin.exif, comments, density)

    begin(b"\xff\xd8\xff\xdb\0\2")  # raises here, not in libvips' callback
    options = {"Q": _quality(tables_of(origin.head)), "subsample_mode": "off"}
    options |= {"interlace": bool(origin.header.get_typeof("interlaced")), "keep": KEEP_NO_EXIF}
    save_streamed(image, "jpeg", options, begin, file)


def tables_of(head: bytes) -> list[np.ndarray]:
    """The quantisation tables in the beginning of a file, luminance first."""
    tables: list[np.ndarray] = []
    for marker, body in segments(head):
        at = 0
        while marker == 0xDB and at < len(body):
            size = 2 if body[at] >> 4 else 1
            table = np.frombuffer(body[at + 1 : at + 1 + 64 * size], ">u2" if size == 2 else "u1")
            if table.size == 64:
                tables.append(table.astype(int))
            at += 1 + 64 * size
    return tables


def comments_of(head: bytes) -> list[bytes]:
    """The comments in the beginning of a file."""
    return [body for marker, body in segments(head) if marker == 0xFE]


def segments(head: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of the segments before the first scan."""
    at = 2
    while at + 4 <= len(head) and head[at] == 0xFF and head[at + 1] != 0xDA:
        if head[at + 1] == 0xFF:
            at += 1
            continue
        length = int.from_bytes(head[at + 2 : at + 4], "big")
        yield head[at + 1], head[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)


def density_of(head: bytes) -> bytes:
    """The resolution in the JFIF segment: unit, across, down, in five bytes; empty without one."""
    found = [body for marker, body in segments(head) if marker == 0xE0 and body[:5] == b"JFIF\0"]
    return found[0][7:12] if found and len(found[0]) >= 12 else b""


def with_segments(start: bytes, exif: bytes, comments: list[bytes], density: bytes) -> bytes:
    """The beginning of a file with EXIF and comments behind its JFIF segment.

    Args:
        density: replaces the JFIF segment's, unless empty.

    Raises:
        CannotHoldError: if the EXIF block is longer than a segment can be.
    """
    body = b"" if not exif else b"Exif\0\0" + exif.removeprefix(b"Exif\0\0")
    if len(body) > _LONGEST_SEGMENT:
        hint = Hint("format", ("png", "tiff"))
        raise CannotHoldError("has more EXIF than a JPEG can hold", hint=hint)
    added = [(0xE1, body)] if body else []
    added += [(0xFE, comment) for comment in comments]
    new = b"".join(bytes((255, m)) + (len(b) + 2).to_bytes(2, "big") + b for m, b in added)
    at = 2
    if start[2:4] == b"\xff\xe0":
        at += 2 + int.from_bytes(start[4:6], "big")
        if density:
            start = start[:13] + density + start[18:]
    return start[:at] + new + start[at:]


def _quality(tables: list[np.ndarray]) -> int:
    """The lowest quality, from 97 on, whose quantisation is nowhere coarser than the tables'."""
    for candidate in range(_LOWEST_QUALITY, 100):
        ours = _scaled(_LUMINANCE, candidate), _scaled(_CHROMINANCE, candidate)
        if all((ours[min(i, 1)] <= table).all() for i, table in enumerate(tables)):
            return candidate
    return 100


def _scaled(table: np.ndarray, quality: int) -> np.ndarray:
    return ((table * (200 - 2 * quality) + 50) // 100).clip(1, 255)
