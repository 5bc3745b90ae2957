"""The blocks of a GIF beside its pixels.

GIF89a specification, CompuServe 1990; XMP specification part 3, 1.1.2; "ICCRGBG1012" of the ICC.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

XMP, ICC = b"XMP DataXMP", b"ICCRGBG1012"
"""Names of application blocks."""

_COMMENT, _APPLICATION, _TEXT, _CONTROL = b"\xfe", b"\xff", b"\x01", b"\xf9"
# By which XMP, which is not cut into sub-blocks, is skipped as if it were.
_XMP_END = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
_MOST_BYTES, _MOST = 2**26, 2**16


@dataclass(frozen=True)
class Blocks:
    """What a GIF holds beside its pixels.

    Attributes:
        early, late: whole extension blocks before and behind the picture.
        aspect: of a pixel, as stored; 0 if it is not said.
        background: red, green and blue; empty if it is not said.
        control: the whole block of the picture's delay and disposal; empty if there is none.
    """

    early: list[bytes] = field(default_factory=list)
    late: list[bytes] = field(default_factory=list)
    aspect: int = 0
    background: bytes = b""
    control: bytes = b""


def extensions(file: BinaryIO) -> Iterator[tuple[bytes, bytes, bool]]:
    """Name, whole block, and whether it is behind the picture, of each extension.

    The names of comments, texts and graphic controls are `comment`, `text` and `control`. At the
    end there is one of the name `end` with the data behind the trailer, at most one byte.
    """
    file.seek(0)
    file.read(table_bytes(file.read(13).ljust(13, b"\0")[10]))
    behind, left = False, _MOST_BYTES
    for _ in range(_MOST):
        mark = file.read(1)
        if mark == b"\x2c":
            behind = True
            file.read(table_bytes(file.read(9).ljust(9, b"\0")[8]) + 1)
            for _ in _sub_blocks(file):
                pass
        elif mark == b"\x21":
            label = file.read(1)
            kinds = {_COMMENT: b"comment", _TEXT: b"text", _CONTROL: b"control"}
            block, name = bytearray(mark + label), kinds.get(label, b"")
            for part in _sub_blocks(file):
                if label == _APPLICATION and not name:
                    name = part[1:12]
                left -= len(part)
                if left > 0:
                    block += part
            if name and left > 0:
                yield name, bytes(block) + b"\0", behind
        else:
            if mark == b"\x3b":
                yield b"end", file.read(1), True
            return


def _sub_blocks(file: BinaryIO) -> Iterator[bytes]:
    """Each with the byte of its length; the last one, of no length, is read and left out."""
    while (size := file.read(1)) not in (b"", b"\0"):
        yield size + file.read(size[0])


def content(name: bytes, block: bytes) -> bytes:
    """XMP or a profile of its whole block; empty of others, and where XMP does not end as such."""
    body = block[14:]
    if name == XMP:
        return body.removesuffix(_XMP_END) if body.endswith(_XMP_END) else b""
    return b"".join(part[1:] for part in _sub_blocks(io.BytesIO(body))) if name == ICC else b""


def application(name: bytes, data: bytes) -> bytes:
    """A whole application block."""
    if name == XMP:
        return b"\x21\xff\x0b" + name + data + _XMP_END
    parts = [data[i : i + 255] for i in range(0, len(data), 255)]
    cut = b"".join(bytes([len(part)]) + part for part in parts)
    return b"\x21\xff\x0b" + name + cut + b"\0"


def controlled(made: bytes, own: bytes, alpha: bool) -> bytes:
    """A graphic control that libvips wrote, with the delay and the disposal of another one.

    Empty if there was none and it tells of no transparency: libvips makes up a delay, and a
    transparent colour of a picture without alpha.
    """
    own = own if len(own) == 8 else bytes(8)
    clear = made[3] & 1 & alpha
    if not clear and own == bytes(8):
        return b""
    return made[:3] + bytes([own[3] & ~1 | clear]) + own[4:6] + (made[6:] if clear else bytes(2))


def table_bytes(packed: int) -> int:
    """The bytes of a table of colours."""
    return 3 * 2 ** ((packed & 7) + 1) if packed & 128 else 0


def nearest(table: bytes, colour: bytes) -> int:
    """The index of the nearest colour."""

    def distance(i: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(table[3 * i : 3 * i + 3], colour, strict=True))

    return min(range(len(table) // 3), key=distance)
