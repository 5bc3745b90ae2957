"""Makers' notes of EXIF, whose offsets count from the start of the block: moved to another place.

Most are a directory of tags, behind the maker's name or not (ExifTool, lib/Image/ExifTool/
MakerNotes.pm). Those that count from their own start need no change.
"""

from __future__ import annotations

import struct

TAG = 0x927C

# Where the directory starts: Canon and others 0; Casio; Olympus, Ricoh; Fuji; Panasonic, Sony.
_STARTS = (0, 6, 8, 10, 12, 16)
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MOST = 512
# Canon's notes end with the start of a TIFF and the place at which the note was.
_FOOTERS = {b"II*\0": "<", b"MM\0*": ">"}


class Note(bytes):
    """A note as it was read, and its offset in the block or file."""

    at: int

    @classmethod
    def of(cls, note: bytes, at: int) -> Note:
        made = cls(note)
        made.at = at
        return made


def moved(note: Note, new: int) -> bytes:
    """The note at the offset `new`; as it is if it does not count from the start of the block."""
    old = note.at
    out = bytearray(note)
    if not any(_move(out, order, start, old, new) for order in "<>" for start in _STARTS):
        return note
    order = _FOOTERS.get(bytes(out[-8:-4]))
    if order and struct.unpack(order + "I", out[-4:])[0] == old:
        struct.pack_into(order + "I", out, len(out) - 4, new)
    return bytes(out)


def _move(out: bytearray, order: str, start: int, old: int, new: int) -> bool:
    """Whether a directory stands there whose values lie behind it, at offsets of the block."""
    if start + 2 > len(out):
        return False
    count = struct.unpack_from(order + "H", out, start)[0]
    end = start + 2 + 12 * count
    if not 0 < count <= _MOST or end > len(out):
        return False
    places: list[tuple[int, int]] = []
    for at in range(start + 2, end, 12):
        _, kind, number, offset = struct.unpack_from(order + "HHII", out, at)
        if kind not in _SIZES:
            return False
        size = _SIZES[kind] * number
        if size > 4:
            if offset < old + end or offset + size > old + len(out):
                return False
            places.append((at + 8, offset - old + new))
    if not places or not all(0 <= offset < 2**32 for _, offset in places):
        return False
    for at, offset in places:
        struct.pack_into(order + "I", out, at, offset)
    return True
