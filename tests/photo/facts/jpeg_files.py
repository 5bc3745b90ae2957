"""JPEG files with segments of one's own, and what lies in a file."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from typing import Any

from PIL import Image

from tests.photo.facts import PIXELS

EOI = b"\xff\xd9"


def jpeg(*segments: tuple[int, bytes], behind: bytes = b"", density: bytes = b"") -> bytes:
    """A small file with segments behind its first one."""
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, "JPEG", quality=90, subsampling=0)
    return with_segments(data.getvalue(), segments, density) + behind


def with_segments(
    plain: bytes, segments: Iterable[tuple[int, bytes]], density: bytes = b""
) -> bytes:
    """A file of Pillow's with segments behind its first one."""
    added = b"".join(
        bytes((255, marker)) + struct.pack(">H", len(body) + 2) + body for marker, body in segments
    )
    at = 4 + int.from_bytes(plain[4:6], "big") if plain[3] == 0xE0 else 2
    start = plain[:13] + density + plain[13 + len(density) : at] if density else plain[:at]
    return start + added + plain[at:]


def profile(whole: bytes) -> list[tuple[int, bytes]]:
    """The segments of an ICC profile."""
    parts = [whole[at : at + 65_000] for at in range(0, len(whole), 65_000)]
    lead = b"ICC_PROFILE\0"
    return [(0xE2, lead + bytes((n, len(parts))) + part) for n, part in enumerate(parts, 1)]


def segments(data: bytes) -> list[tuple[int, bytes]]:
    """Marker and content of all segments before the scan."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        length = struct.unpack_from(">H", data, at + 2)[0]
        found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


def behind(data: bytes) -> bytes:
    """What follows the first picture: no embedded one has a lead of two bytes in a segment here."""
    at = data.index(b"\xff\xda", 2)
    return data[data.index(EOI, at) + 2 :]


def exif(main: dict[int, Any], below: dict[int, Any] | None = None, size: int = 0) -> bytes:
    """An EXIF block by Pillow; `size` bytes of a comment."""
    tags = Image.Exif()
    tags.update(main)
    tags.get_ifd(0x8769).update(below or {})
    if size:
        tags.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + b"c" * size
    return tags.tobytes()


def mpf(kinds: tuple[int, ...]) -> bytes:
    """An index of so many pictures: CIPA DC-007."""
    entries = b"".join(struct.pack(">IIIHH", kind, 100, 0, 0, 0) for kind in kinds)
    rows = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(
        ">HHII", 0xB001, 4, 1, len(kinds)
    )
    rows += struct.pack(">HHII", 0xB002, 7, len(entries), 50)
    return b"MPF\0MM\0*\0\0\0\x08" + struct.pack(">H", 3) + rows + bytes(4) + entries


def resource(kind: int, content: bytes) -> bytes:
    return (
        b"8BIM" + struct.pack(">HHI", kind, 0, len(content)) + content + b"\0" * (len(content) % 2)
    )


def photoshop(*resources: bytes) -> list[tuple[int, bytes]]:
    return [(0xED, b"Photoshop 3.0\0" + one) for one in resources]
