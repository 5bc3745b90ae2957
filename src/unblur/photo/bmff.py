"""Reads the boxes of AVIF and HEIC files: what an item is, its properties, what refers to it.

ISO/IEC 14496-12 (boxes, `meta`), ISO/IEC 23008-12 (items' properties). Nothing here recurses: each
level is named. What is damaged or beyond the bounds is left out; the decoder judges the file.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

_LONGEST_META = 2**24
_MOST_BOXES = 4096
_CONTAINERS = (b"mdia", b"minf", b"stbl")


@dataclass(frozen=True)
class Item:
    """A picture or a block of metadata.

    Attributes:
        kind: four bytes: `av01`, `hvc1`, `grid`, `Exif`, `mime`, ...
        content: the media type of a `mime` item.
        hidden: whether it is not to be shown by itself.
    """

    kind: bytes
    content: bytes = b""
    hidden: bool = False


@dataclass(frozen=True)
class Contents:
    """What a file says that it holds.

    Attributes:
        primary: the number of the item that is the photo.
        items: by their numbers.
        properties: whole boxes, by the number of the item that they describe.
        references: (kind, from, to); a thumbnail refers to its picture by `thmb`.
        locations: the extents (offset, length) of items in the file, by their numbers.
        frames: the most samples that a track has; None without tracks.
        others: the types of the top-level boxes; `uuid` with the 16 bytes that tell which.
    """

    primary: int = 0
    items: dict[int, Item] = field(default_factory=dict)
    properties: dict[int, list[bytes]] = field(default_factory=dict)
    references: list[tuple[bytes, int, int]] = field(default_factory=list)
    locations: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    frames: int | None = None
    others: list[bytes] = field(default_factory=list)


def contents(file: BinaryIO) -> Contents:
    """Read a file's boxes, as far as they are intact."""
    found, frames = Contents(), None
    for kind, start, end in _top(file):
        if kind == b"uuid":
            file.seek(start)
            kind += file.read(16)
        found.others.append(kind)
        if kind in (b"meta", b"moov") and end - start <= _LONGEST_META:
            file.seek(start)
            data = file.read(end - start)
            if kind == b"moov":
                frames = _most_samples(data)
            elif not found.items:
                found = _meta(data, found.others)
    return Contents(**{**vars(found), "frames": frames})


def boxes(data: bytes, start: int = 0) -> Iterator[tuple[bytes, int, int, int]]:
    """Type, start, start of the content, and end of each box in a container's content."""
    for _ in range(_MOST_BOXES):
        if start + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and start + 16 <= len(data):
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        end = len(data) if size == 0 else start + size
        if (size and size < head) or end > len(data):
            return
        yield kind, start, start + head, end
        start = end


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _top(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Type, start of the content, and end of each top-level box."""
    length, at = file.seek(0, io.SEEK_END), 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        size, kind = struct.unpack_from(">I4s", head)
        start = at + 8
        if size == 1 and len(head) == 16:
            size, start = struct.unpack_from(">Q", head, 8)[0], at + 16
        end = length if size == 0 else at + size
        if end < start or end > length:
            end = length
        yield kind, start, end
        at = end


def _meta(data: bytes, others: list[bytes]) -> Contents:
    found = {kind: data[start:end] for kind, _, start, end in boxes(data, 4)}
    properties = b""
    inside = {
        kind: found.get(b"iprp", b"")[s:e] for kind, _, s, e in boxes(found.get(b"iprp", b""))
    }
    properties = inside.get(b"ipco", b"")
    whole = [properties[start:end] for _, start, _, end in boxes(properties)]
    used = {
        number: [whole[i - 1] for i in indices if 0 < i <= len(whole)]
        for number, indices in _associations(inside.get(b"ipma", b"")).items()
    }
    primary = _Reader(found.get(b"pitm", b""))
    version = primary.number(4) >> 24
    return Contents(
        primary.number(4 if version else 2),
        _items(found.get(b"iinf", b"")),
        used,
        _references(found.get(b"iref", b"")),
        _locations(found.get(b"iloc", b"")),
        None,
        others,
    )


def _items(data: bytes) -> dict[int, Item]:
    wide, items = data[:1] not in (b"", b"\0"), {}
    for kind, _, start, end in boxes(data, 8 if wide else 6):
        entry = _Reader(data[start:end])
        flags = entry.number(4)
        if kind == b"infe" and flags >> 24 in (2, 3):
            number = entry.number(2 if flags >> 24 == 2 else 4)
            entry.number(2)
            name, rest = entry.data(4), entry.data(2**12).split(b"\0")
            content = rest[1] if name == b"mime" and len(rest) > 1 else b""
            items[number] = Item(name, content, bool(flags & 1))
    return items


def _associations(data: bytes) -> dict[int, list[int]]:
    """Item -> the indices, from 1, of its properties."""
    reader, found = _Reader(data), dict[int, list[int]]()
    flags = reader.number(4)
    for _ in range(min(reader.number(4), _MOST_BOXES)):
        number = reader.number(4 if flags >> 24 else 2)
        size = 2 if flags & 1 else 1
        indices = [reader.number(size) & (0x7FFF if size == 2 else 0x7F) for _ in reader.times(1)]
        found.setdefault(number, []).extend(indices)
        if reader.ended:
            break
    return found


def _references(data: bytes) -> list[tuple[bytes, int, int]]:
    size, found = (4 if data[:1] not in (b"", b"\0") else 2), []
    for kind, _, start, end in boxes(data, 4):
        reader = _Reader(data[start:end])
        source = reader.number(size)
        found += [(kind, source, reader.number(size)) for _ in reader.times(2)]
    return found


def _locations(data: bytes) -> dict[int, list[tuple[int, int]]]:
    """The extents of the items that lie in the file itself."""
    reader, found = _Reader(data), dict[int, list[tuple[int, int]]]()
    version, sizes = reader.number(4) >> 24, reader.number(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(min(reader.number(4 if version == 2 else 2), _MOST_BOXES)):
        number = reader.number(4 if version == 2 else 2)
        inside = version > 0 and reader.number(2) & 15
        reader.number(2)
        start, extents = reader.number(base), []
        for _ in reader.times(2):
            reader.number(index if version else 0)
            extents.append((start + reader.number(offset), reader.number(length)))
        if reader.ended:
            break
        if not inside:
            found[number] = extents
    return found


def _most_samples(moov: bytes) -> int:
    most = 0
    for kind, _, start, end in boxes(moov):
        inside = moov[start:end] if kind == b"trak" else b""
        for name in _CONTAINERS:
            inside = next((inside[s:e] for k, _, s, e in boxes(inside) if k == name), b"")
        for name, _, s, _ in boxes(inside):
            if name in (b"stsz", b"stz2") and s + 12 <= len(inside):
                most = max(most, struct.unpack_from(">I", inside, s + 8)[0])
    return most


class _Reader:
    """Reads big-endian numbers one after another; beyond the end they are 0."""

    def __init__(self, data: bytes) -> None:
        self._file, self.ended = io.BytesIO(data), False

    def data(self, size: int) -> bytes:
        return self._file.read(size)

    def number(self, size: int) -> int:
        data = self._file.read(size)
        self.ended = self.ended or len(data) < size
        return int.from_bytes(data, "big")

    def times(self, size: int) -> Iterator[int]:
        """As many rounds as the number read next says, while there is data."""
        for i in range(self.number(size)):
            if self.ended:
                return
            yield i
