"""EXIF blocks: set upright, made from a TIFF's tags.

An EXIF block is a small TIFF. libvips keeps none in a TIFF, and of a JPEG's only the tags that
libexif knows.
"""

from __future__ import annotations

import io
import struct
from contextlib import suppress

from unblur.photo.tiff_tags import EXIF, IPTC, Tags, carried, directory, header

_ORIENTATION = 0x112
_SIDES = (0xA002, 0xA003)


def upright_exif(block: bytes, turned: bool) -> bytes:
    """Set the orientation of an EXIF block to upright; every other byte stays where it is.

    Makers' notes hold offsets into the block, so it is patched in place. The thumbnail, which shows
    the old picture, is unlinked.

    Args:
        block: with or without the leading "Exif".
        turned: whether width and height have been exchanged.
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
    sides: list[int] = []
    for at in _entries(out, order, offset):
        tag, kind = struct.unpack_from(order + "HH", out, at)
        if tag == _ORIENTATION and kind in (3, 4):
            struct.pack_into(order + {3: "H", 4: "I"}[kind], out, at + 8, 1)
        if tag in _SIDES:
            sides.append(at)
    if turned and len(sides) == 2:
        one, two = (slice(at + 2, at + 12) for at in sides)
        out[one], out[two] = out[two], out[one]
    with suppress(struct.error):
        count = struct.unpack_from(order + "H", out, offset)[0]
        struct.pack_into(order + "I", out, offset + 2 + 12 * count, 0)
    return block[:lead] + bytes(out)


def from_tags(tags: Tags) -> bytes:
    """An EXIF block of the tags of a TIFF that describe the photo; empty if there are none."""
    kept = {tag: entry for tag, entry in carried(tags).items() if tag != IPTC}
    kept = {k: v for k, v in kept.items() if isinstance(v[2], dict) or len(v[2]) < 2**15}
    return b"II*\0\x08\0\0\0" + directory(kept, 8, big=False) if kept else b""


def _entries(block: bytearray, order: str, offset: int) -> list[int]:
    """The positions of the entries of the first directory and of its EXIF sub-directory."""

    def of(start: int) -> list[int]:
        if start + 2 > len(block):
            return []
        count = struct.unpack_from(order + "H", block, start)[0]
        places = range(start + 2, start + 2 + 12 * count, 12)
        return [at for at in places if at + 12 <= len(block)]

    first = of(offset)
    below = [at for at in first if struct.unpack_from(order + "H", block, at)[0] == EXIF]
    return first + [
        at for entry in below for at in of(struct.unpack_from(order + "I", block, entry + 8)[0])
    ]
