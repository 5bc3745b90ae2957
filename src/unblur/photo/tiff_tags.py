"""Directories of tags, in TIFF files and in EXIF blocks: read, made, added to a written TIFF."""

from __future__ import annotations

import io
import struct
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

from unblur.photo import byte_order, maker_note

Tags = dict[int, tuple[int, int, Any]]
"""Tag -> (type, count, little-endian value); a sub-directory's value is its own `Tags`.

A maker's note is a `Note`, which knows where it was.
"""

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
"""Sub-directories that describe the photo."""
SUB_DIRECTORIES = 330
"""The tag of the offsets of further pictures."""
IPTC = 33723
ORIENTATION = 0x112
USER_COMMENT = 0x9286
PROFILE = 34675
RESOLUTION = (282, 283, 296)
"""Across, down, and the unit: 1 none, 2 an inch, 3 a centimetre."""
LAYERS = 37724
"""The layers of Photoshop (ImageSourceData)."""

# Tags of the layout of the pixels and the file, and those that libvips writes: never carried over.
_STRUCTURAL = {
    *(254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 283, 284, 288, 289),
    *(292, 293, 296, 317, 320, 322, 323, 324, 325, 326, 327, 328, 330, 338, 339, 346, 347),
    *(400, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532),
    *(700, 34675, 34377, LAYERS),
}
OF_SAMPLES = {
    *(263, 264, 265, 280, 281, 290, 291, 301, 318, 319, 321, 332, 333, 334, 336, 340, 341, 342),
    *(343, 344, 345, 351),
}
"""Tags of the meaning of the stored samples, which another format's need not have."""

# Of the structural ones, values that may be long and are of no use.
_UNREAD = {273, 279, 288, 289, 320, 324, 325, 347, 700, 34675, 34377, LAYERS}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_SIZES |= {17: 8, 18: 8}
_POINTERS = {13, 18}
# Of all values together: those of a damaged file may overlap, and be many times the file.
_MOST_BYTES = 2**26


def read_tags(file: BinaryIO, offset: int = 0, left_out: set[int] | None = None) -> Tags:
    """Read a directory of a TIFF file or an EXIF block, as far as it is intact.

    The EXIF block starts with its byte order, not with "Exif".

    Args:
        offset: of the directory; by default the first one's.
        left_out: gets the tags that describe the photo but cannot be carried over: those of more
            than 64 MB together, and those that point elsewhere in the file.
    """
    try:
        order, big, first = header(file)
        return read_directory(file, order, big, offset or first, left_out=left_out)
    except (struct.error, ValueError, OSError, OverflowError):
        return {}


def number(tags: Tags, tag: int, default: int = 0) -> int:
    """The first value of a tag of integers."""
    return next(iter(numbers(tags, tag)), default)


def numbers(tags: Tags, tag: int) -> list[int]:
    """The values of a tag of integers."""
    kind, _, value = tags.get(tag, (0, 0, b""))
    size = _SIZES.get(kind, 0)
    if not isinstance(value, bytes) or size not in (1, 2, 4, 8):
        return []
    return [int.from_bytes(value[at : at + size], "little") for at in range(0, len(value), size)]


def carried(tags: Tags) -> Tags:
    """The tags that describe the photo, not the structure of its file."""
    return {tag: entry for tag, entry in tags.items() if tag not in _STRUCTURAL}


def append_tags(
    file: BinaryIO, tags: Tags, replaced: Tags | None = None, removed: Iterable[int] = ()
) -> None:
    """Add the tags that a little-endian TIFF lacks to its first directory.

    The directory is written again at the end of the file, and the header points there.

    Args:
        replaced: tags that take the place of the file's own.
        removed: tags that are taken out, unless they are replaced.
    """
    order, big, offset = header(file)
    if order != "<":
        return
    width, head = (20, 8) if big else (12, 2)
    file.seek(offset)
    count = int.from_bytes(file.read(head), "little")
    entries = file.read(count * width)
    replaced = replaced or {}
    rows = [entries[i : i + width] for i in range(0, len(entries), width)]
    own = {int.from_bytes(row[:2], "little"): row for row in rows}
    following = file.read(8 if big else 4)
    new = {tag: entry for tag, entry in carried(tags).items() if tag not in own} | replaced
    gone = own.keys() & {*replaced, *removed}
    if not new and not gone:
        return
    start = file.seek(0, io.SEEK_END)
    start += -start % 8
    file.seek(start)
    kept = [row for tag, row in own.items() if tag not in gone]
    file.write(directory(new, start, big, kept, following))
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
        if isinstance(data, maker_note.Note):
            data = maker_note.moved(data, place)
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


def read_directory(
    file: BinaryIO,
    order: str,
    big: bool,
    offset: int,
    *,
    only: Container[int] | None = None,
    left_out: set[int] | None = None,
) -> Tags:
    """Read the directory at an offset, and its sub-directories; see `read_tags`.

    Args:
        only: the tags that are read; by default all but those that are long and of no use.

    Raises:
        struct.error, ValueError, OSError, OverflowError: if it is damaged.
    """
    reader = _Reader(file, order, big, only, set() if left_out is None else left_out)
    return reader.directory(offset, 0)


class _Reader:
    """Reads directories, of which all values together are bounded."""

    def __init__(
        self, file: BinaryIO, order: str, big: bool, only: Container[int] | None, left_out: set[int]
    ) -> None:
        self._file, self._order, self._big, self._only = file, order, big, only
        self._left_out, self._room = left_out, _MOST_BYTES

    def directory(self, offset: int, depth: int) -> Tags:
        tags: Tags = {}
        width, form = (20, "HHQ") if self._big else (12, "HHI")
        for entry in self._entries(offset, width):
            tag, kind, count = struct.unpack_from(self._order + form, entry)
            value = self._value(tag, kind, count, entry[-self._word :], depth)
            if value is not None:
                tags[tag] = value
        return tags

    @property
    def _word(self) -> int:
        return 8 if self._big else 4

    def _entries(self, offset: int, width: int) -> list[bytes]:
        self._file.seek(offset)
        head = self._file.read(8 if self._big else 2)
        count = min(struct.unpack(self._order + ("Q" if self._big else "H"), head)[0], 4096)
        entries = self._file.read(count * width)
        return [entries[at : at + width] for at in range(0, len(entries) - width + 1, width)]

    def _value(
        self, tag: int, kind: int, count: int, field: bytes, depth: int
    ) -> tuple[int, int, Any] | None:
        """Type, count and value of an entry; None if it is damaged or left out."""
        if tag == LAYERS:
            self._left_out.add(tag)
        if (tag in _UNREAD) if self._only is None else (tag not in self._only):
            return None
        position = struct.unpack(self._order + ("Q" if self._big else "I"), field)[0]
        if tag in (EXIF, GPS, INTEROPERABILITY) and depth < 2:
            below: Tags = {}
            with suppress(struct.error, ValueError, OSError, OverflowError):
                below = self.directory(position, depth + 1)
            return (4, 1, below) if below else None
        size = _SIZES.get(kind, 0) * count
        if not size or (size > len(field) and position >= 2**63):
            return None
        points = kind in _POINTERS and tag != SUB_DIRECTORIES
        if points or size > self._room:
            self._left_out |= {tag} - _STRUCTURAL
            return None
        if size > len(field):
            self._file.seek(position)
            field = self._file.read(size)
        value = field[:size]
        if len(value) != size:
            return None
        self._room -= size
        if tag == IPTC:
            return 7, size, byte_order.records(value)
        if tag == maker_note.TAG and depth:
            return kind, count, maker_note.Note.of(value, position)
        if self._order == ">":
            turned = byte_order.comment if tag == USER_COMMENT else byte_order.swapped
            value = turned(value, kind)
        return kind, count, value
