"""EXIF blocks: set upright, made from a TIFF's tags.

An EXIF block is a small TIFF. libvips keeps none in a TIFF, and of a JPEG's only the tags that
libexif knows.
"""

from __future__ import annotations

import io
import struct
from contextlib import suppress

from unblur.photo import orientation as turning
from unblur.photo.tiff_tags import (
    EXIF,
    INTEROPERABILITY,
    IPTC,
    OF_SAMPLES,
    ORIENTATION,
    Tags,
    carried,
    directory,
    header,
    read_tags,
)

LEAD = b"Exif\0\0"
"""Stands before a block in a segment of a JPEG, and in what libvips holds."""

_SUBJECTS = (0x9214, 0xA214)
# Width and height of the picture, resolution, resolution in the focal plane, size of the picture
# that an interoperability directory is about: tags that are exchanged.
_PAIRS = ((0x100, 0x101), (0x11A, 0x11B), (0xA002, 0xA003), (0xA20E, 0xA20F), (0x1001, 0x1002))
_INTEGERS = {1, 3, 4, 6, 8, 9}
_SHORT = 3


def upright_exif(
    block: bytes, orientation: int, size: tuple[int, int], reset: bool = False
) -> bytes:
    """Set the orientation of an EXIF block to upright; every other byte stays where it is.

    Sizes and the place of the subject are turned. Makers' notes hold offsets into the block, so it
    is patched in place. The thumbnail, which shows the old picture, is unlinked.

    Args:
        block: with or without the leading "Exif".
        orientation: that has been applied to the pixels, 1 to 8.
        size: width and height of the picture as stored.
        reset: whether the orientation is set to upright even where none has been applied.
    """
    lead = 6 if block[:4] == b"Exif" else 0
    out = bytearray(block[lead:])
    try:
        order, big, offset = header(io.BytesIO(out))
        if big:
            return block
    except (struct.error, ValueError):
        return block
    # A damaged block is patched as far as it is intact: its orientation has been applied.
    places: dict[int, int] = {}
    following = 0
    with suppress(struct.error):
        count = struct.unpack_from(order + "H", out, offset)[0]
        following = struct.unpack_from(order + "I", out, offset + 2 + 12 * count)[0]
        struct.pack_into(order + "I", out, offset + 2 + 12 * count, 0)
    for at in _entries(out, order, offset) + _entries(out, order, following):
        tag, kind = struct.unpack_from(order + "HH", out, at)
        if (reset or orientation != 1) and tag == ORIENTATION and kind in _INTEGERS:
            struct.pack_into(order + "HIHH", out, at + 2, _SHORT, 1, 1, 0)
        places.setdefault(tag, at)
    if orientation >= 5:
        for pair in _PAIRS:
            if set(pair) <= places.keys():
                one, two = (slice(places[tag] + 2, places[tag] + 12) for tag in pair)
                out[one], out[two] = out[two], out[one]
    if orientation != 1:
        for tag in places.keys() & set(_SUBJECTS):
            _turn_subject(out, order, places[tag], orientation, size)
    return block[:lead] + bytes(out)


def turned_tags(tags: Tags, orientation: int, size: tuple[int, int]) -> Tags:
    """The tags of a TIFF whose EXIF directory agrees with a picture that has been turned.

    Arguments as of `upright_exif`.
    """
    below = tags.get(EXIF, (0, 0, None))[2]
    if orientation == 1 or not isinstance(below, dict):
        return tags
    below = _exchanged(below) if orientation >= 5 else dict(below)
    for tag in below.keys() & set(_SUBJECTS):
        kind, count, value = below[tag]
        if kind == _SHORT and isinstance(value, bytes) and 2 <= count <= 4:
            new = turning.subject(orientation, struct.unpack(f"<{count}H", value), *size)
            below[tag] = kind, count, struct.pack(f"<{count}H", *(min(n, 65535) for n in new))
    return {**tags, EXIF: (4, 1, below)}


def _exchanged(tags: Tags) -> Tags:
    """A directory of EXIF, and those below it, with the pairs of across and down exchanged."""
    new = {
        k: (v[0], v[1], _exchanged(v[2])) if isinstance(v[2], dict) else v for k, v in tags.items()
    }
    for one, two in _PAIRS:
        if one in new and two in new:
            new[one], new[two] = new[two], new[one]
    return new


def tags_of(block: bytes) -> Tags:
    """The tags of a block, with or without `LEAD`."""
    return read_tags(io.BytesIO(block.removeprefix(LEAD)))


def from_tags(tags: Tags) -> bytes:
    """An EXIF block of the tags of a TIFF that describe the photo; empty if there are none."""
    left = {IPTC, *OF_SAMPLES, *left_out(tags)}
    kept = {tag: entry for tag, entry in carried(tags).items() if tag not in left}
    return b"II*\0\x08\0\0\0" + directory(kept, 8, big=False) if kept else b""


def left_out(tags: Tags) -> list[int]:
    """The tags of a TIFF that are too long for an EXIF block."""
    return [k for k, v in carried(tags).items() if isinstance(v[2], bytes) and len(v[2]) >= 2**15]


def _turn_subject(
    out: bytearray, order: str, at: int, orientation: int, size: tuple[int, int]
) -> None:
    """Turn the subject's place in the entry at `at`; left as it is where it is damaged."""
    kind, count, place = struct.unpack_from(order + "HII", out, at + 2)
    if kind != _SHORT or not 2 <= count <= 4:
        return
    place = at + 8 if count == 2 else place
    with suppress(struct.error):
        values = struct.unpack_from(f"{order}{count}H", out, place)
        new = turning.subject(orientation, values, *size)
        struct.pack_into(f"{order}{count}H", out, place, *(min(n, 65535) for n in new))


def _entries(block: bytearray, order: str, offset: int) -> list[int]:
    """The positions of the entries of a directory and of the two levels of EXIF below it."""
    found = _directory(block, order, offset)
    for below in (EXIF, INTEROPERABILITY):
        for at in list(found):
            if struct.unpack_from(order + "H", block, at)[0] == below:
                found += _directory(block, order, struct.unpack_from(order + "I", block, at + 8)[0])
                break
    return found


def _directory(block: bytearray, order: str, start: int) -> list[int]:
    if start == 0 or start + 2 > len(block):
        return []
    count = struct.unpack_from(order + "H", block, start)[0]
    places = range(start + 2, start + 2 + 12 * count, 12)
    return [at for at in places if at + 12 <= len(block)]
