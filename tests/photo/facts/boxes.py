"""AVIF and HEIC files with more properties, items and boxes than their encoder wrote.

ISO/IEC 14496-12; for files as libavif and libheif lay them out: `iloc` and `ipma` of version 0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """A further item: its type, content, properties, and how it refers to the picture."""

    kind: bytes
    data: bytes = b"data"
    properties: tuple[bytes, ...] = ()
    reference: bytes = b""
    more: bytes = b""
    """Behind the name: the media type of a `mime` item."""


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data) + 8, kind) + data


def full(kind: bytes, data: bytes) -> bytes:
    """A box of version 0 without flags."""
    return box(kind, bytes(4) + data)


def boxes(data: bytes, at: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of each box."""
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + (size or len(data) - at)]
        at += size or len(data)


def properties(data: bytes) -> list[tuple[bytes, bytes]]:
    """The properties of the primary item."""
    meta = dict(boxes(data))[b"meta"]
    parts = dict(boxes(meta, 4))
    primary = struct.unpack_from(">H", parts[b"pitm"], 4)[0]
    inside = dict(boxes(parts[b"iprp"]))
    listed = list(boxes(inside[b"ipco"]))
    for number, used in _associations(inside[b"ipma"]):
        if number == primary:
            return [listed[(index & 127) - 1] for index in used]
    return []


def items(data: bytes) -> list[bytes]:
    """The types of all items; of a `mime` item with what follows."""
    meta = dict(boxes(data))[b"meta"]
    table = dict(boxes(meta, 4))[b"iinf"]
    return [body[8:].rstrip(b"\0") for _, body in boxes(table, 6)]


def with_boxes(
    data: bytes, added: tuple[bytes, ...] = (), further: tuple[Item, ...] = (), behind: bytes = b""
) -> bytes:
    """The file with more properties of its picture, further items, and boxes at its end.

    Args:
        added: whole boxes; one of a type that is there already replaces it.
    """
    top = list(boxes(data))
    meta = dict(top)[b"meta"]
    parts = dict(boxes(meta, 4))
    primary = struct.unpack_from(">H", parts[b"pitm"], 4)[0]
    numbers = range(100, 100 + len(further))
    inside = dict(boxes(parts[b"iprp"]))
    listed = [box(*one) for one in boxes(inside[b"ipco"])]
    used = dict(_associations(inside[b"ipma"]))
    for new in added:
        old = next((i for i, one in enumerate(listed) if one[4:12] == new[4:12]), None)
        if old is None:
            listed.append(new)
            used[primary] += bytes([len(listed)])
        else:
            listed[old] = new
    for number, item in zip(numbers, further, strict=True):
        used[number] = bytes(range(len(listed) + 1, len(listed) + 1 + len(item.properties)))
        listed += item.properties
    rows = b"".join(struct.pack(">HB", n, len(u)) + u for n, u in sorted(used.items()))
    ipma = full(b"ipma", struct.pack(">I", len(used)) + rows)
    parts[b"iprp"] = box(b"ipco", b"".join(listed)) + ipma
    parts[b"iinf"] = _infos(parts[b"iinf"], zip(numbers, further, strict=True))
    if any(item.reference for item in further):
        old_references = parts.get(b"iref", bytes(4))
        parts[b"iref"] = old_references + b"".join(
            box(item.reference, struct.pack(">HHH", number, 1, primary))
            for number, item in zip(numbers, further, strict=True)
            if item.reference
        )
    places = _locations(parts[b"iloc"])
    # In two steps: the length of the new box does not depend on the offsets in it.
    parts[b"iloc"] = _iloc(places, 0, further, 0)
    grown = 12 + sum(len(part) + 8 for part in parts.values()) - (len(meta) + 8)
    end = sum(len(body) + 8 for _, body in top) + grown + 8
    parts[b"iloc"] = _iloc(places, grown, further, end)
    made = meta[:4] + b"".join(box(kind, part) for kind, part in parts.items())
    whole = b"".join(box(kind, made if kind == b"meta" else body) for kind, body in top)
    return whole + box(b"mdat", b"".join(item.data for item in further)) * bool(further) + behind


def _associations(ipma: bytes) -> Iterator[tuple[int, bytes]]:
    at = 8
    for _ in range(struct.unpack_from(">I", ipma, 4)[0]):
        number, count = struct.unpack_from(">HB", ipma, at)
        yield number, ipma[at + 3 : at + 3 + count]
        at += 3 + count


def _infos(iinf: bytes, further: Iterator[tuple[int, Item]] | zip[tuple[int, Item]]) -> bytes:
    rows = b"".join(
        box(b"infe", b"\2\0\0\0" + struct.pack(">HH4s", n, 0, i.kind) + b"\0" + i.more)
        for n, i in further
    )
    count = struct.unpack_from(">H", iinf, 4)[0] + rows.count(b"infe")
    return iinf[:4] + struct.pack(">H", count) + iinf[6:] + rows


def _locations(iloc: bytes) -> list[tuple[int, int, int]]:
    """Number, offset and length of each item."""
    sizes, count = struct.unpack_from(">HH", iloc, 4)
    assert (iloc[0], sizes) == (0, 0x4400), "an iloc of another layout"
    found, at = [], 8
    for _ in range(count):
        number, _, extents = struct.unpack_from(">HHH", iloc, at)
        assert extents == 1, "an item of several extents"
        found.append((number, *struct.unpack_from(">II", iloc, at + 6)))
        at += 14
    return found


def _iloc(
    places: list[tuple[int, int, int]], grown: int, further: tuple[Item, ...], end: int
) -> bytes:
    rows = [(number, at + grown, length) for number, at, length in places]
    for number, item in enumerate(further, 100):
        rows.append((number, end, len(item.data)))
        end += len(item.data)
    body = b"".join(struct.pack(">HHHII", n, 0, 1, at, length) for n, at, length in rows)
    return bytes(4) + struct.pack(">HH", 0x4400, len(rows)) + body
