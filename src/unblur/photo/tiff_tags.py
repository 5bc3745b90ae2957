"""Directories of tags, in TIFF files and in EXIF blocks: read, made, added to a written TIFF."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

Tags = dict[int, tuple[int, int, Any]]
"""Tag -> (type, count, little-endian value); a sub-directory's value is its own `Tags`."""

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
"""Sub-directories."""
IPTC = 33723

# Tags that describe the layout of the pixels, or are written by libvips: never carried over.
_STRUCTURAL = {
    *(254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281),
    *(282, 283, 284, 288, 289, 290, 291, 292, 293, 296, 301, 317, 318, 319, 320, 321, 322, 323),
    *(324, 325, 326, 327, 328, 330, 332, 333, 334, 336, 338, 339, 340, 341, 342, 343, 344, 345),
    *(346, 347, 351, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532),
    *(700, 34675, 34377),
}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_SIZES |= {17: 8, 18: 8}
_WORDS = {5: 4, 10: 4}
_LONGEST = 2**24


def read_tags(file: BinaryIO) -> Tags:
    """Read the first directory of a TIFF file or an EXIF block, as far as it is intact.

    The EXIF block starts with its byte order, not with "Exif".
    """
    try:
        order, big, offset = header(file)
        return _read_directory(file, order, big, offset, 0)
    except (struct.error, ValueError, OSError, OverflowError):
        return {}


def number(tags: Tags, tag: int, default: int = 0) -> int:
    """The first value of a tag of integers."""
    kind, count, value = tags.get(tag, (0, 0, b""))
    if not isinstance(value, bytes) or count < 1 or _SIZES.get(kind, 0) not in (1, 2, 4, 8):
        return default
    return int.from_bytes(value[: _SIZES[kind]], "little")


def carried(tags: Tags) -> Tags:
    """The tags that describe the photo, not the structure of its file."""
    return {tag: entry for tag, entry in tags.items() if tag not in _STRUCTURAL}


def append_tags(file: BinaryIO, tags: Tags) -> None:
    """Add the tags that a little-endian TIFF lacks to its first directory.

    The directory is written again at the end of the file, and the header points there.
    """
    order, big, offset = header(file)
    if order != "<":
        return
    width, head = (20, 8) if big else (12, 2)
    file.seek(offset)
    count = int.from_bytes(file.read(head), "little")
    entries = file.read(count * width)
    own = [entries[i : i + width] for i in range(0, len(entries), width)]
    following = file.read(8 if big else 4)
    present = {int.from_bytes(entry[:2], "little") for entry in own}
    new = {tag: entry for tag, entry in carried(tags).items() if tag not in present}
    if not new:
        return
    start = file.seek(0, io.SEEK_END)
    start += -start % 8
    file.seek(start)
    file.write(directory(new, start, big, own, following))
    file.seek(8 if big else 4)
    file.write(struct.pack("<Q" if big else "<I", start))


def directory(
    tags: Tags, start: int, big: bool, entries: Sequence[bytes] = (), following: bytes = b""
) -> bytes:
    """Encode a directory at the offset `start`, followed by its values and sub-directories.

    Args:
        entries: further entries, encoded already.
        following: the encoded offset of the next directory.
    """
    form, width, head = ("<HHQ", 20, 8) if big else ("<HHI", 12, 2)
    room = width - (12 if big else 8)
    rows = list(entries)
    offset = start + head + width * (len(rows) + len(tags)) + room
    behind = b""
    for tag, (kind, count, value) in tags.items():
        place = offset + len(behind)
        data = directory(value, place, big) if isinstance(value, dict) else value
        field = data.ljust(room, b"\0")
        if len(data) > room:  # as every directory is
            field = place.to_bytes(room, "little")
            behind += data + b"\0" * (-len(data) % 8)
        rows.append(struct.pack(form, tag, kind, count) + field)
    rows.sort(key=lambda row: row[:2][::-1])
    number_of = len(rows).to_bytes(head, "little")
    return number_of + b"".join(rows) + following.ljust(room, b"\0") + behind


def header(file: BinaryIO) -> tuple[str, bool, int]:
    """Byte order, whether it is a BigTIFF, and the offset of the first directory."""
    file.seek(0)
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        raise ValueError("neither II nor MM")
    big = struct.unpack_from(order + "H", head, 2)[0] == 43
    return order, big, struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)[0]


def _read_directory(file: BinaryIO, order: str, big: bool, offset: int, depth: int) -> Tags:
    tags: Tags = {}
    file.seek(offset)
    head = file.read(8 if big else 2)
    count = min(struct.unpack(order + ("Q" if big else "H"), head)[0], 4096)
    width, form = (20, "HHQ") if big else (12, "HHI")
    entries = file.read(count * width)
    for at in range(0, len(entries) - width + 1, width):
        tag, kind, number_of = struct.unpack_from(order + form, entries, at)
        field = entries[at + (12 if big else 8) : at + width]
        size = _SIZES.get(kind, 0) * number_of
        if not 0 < size <= _LONGEST:
            continue
        position = struct.unpack(order + ("Q" if big else "I"), field)[0]
        if tag in (EXIF, GPS, INTEROPERABILITY) and depth < 2:
            below = _read_directory(file, order, big, position, depth + 1)
            if below:
                tags[tag] = (4, 1, below)
            continue
        if size > len(field):
            file.seek(position)
            field = file.read(size)
        value = field[:size]
        if len(value) == size:
            tags[tag] = (kind, number_of, _swapped(value, kind) if order == ">" else value)
    return tags


def _swapped(value: bytes, kind: int) -> bytes:
    word = _WORDS.get(kind, _SIZES[kind])
    return np.frombuffer(value, f">u{word}").astype(f"<u{word}").tobytes()
