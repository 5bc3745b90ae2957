"""The chunks of a PNG: which are carried, adapted, refused, or dropped with a word.

PNG (third edition), 4.7 and 11.3; https://www.w3.org/TR/png-3/.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from unblur.errors import PhotoError
from unblur.photo.names import printable
from unblur.photo.png_text import NAMES as TEXT
from unblur.photo.png_text import keyword, role

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# What libvips, the pixels' own writer and this package write anew.
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# Still true of other pixels, although none of them but text, pHYs and eXIf is safe to copy.
_KNOWN = (
    *(b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"hIST"),
    *(
        b"eXIf",
        b"mDCv",
        b"cLLi",
        b"sPLT",
        b"pCAL",
        b"sCAL",
        b"sTER",
        b"tIME",
        b"pHYs",
        b"oFFs",
        *TEXT,
    ),
)
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")
# Where Apple's encoder split the compressed data, which is not written again.
_ENCODING = (b"iDOT",)
_AFTER_PALETTE = (b"bKGD", b"hIST")
# Of the upright picture; those without a place in a turned one.
_SIDED = (b"oFFs", b"sTER", b"vpAg", b"caNv")
_LONGEST, _MOST_BYTES, _MOST = 2**25, 2**26, 2**16
_KINDS = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}
_WORDS = {b"caBX": "its content credentials (C2PA), which are signed for the old pixels"}


@dataclass(frozen=True)
class Chunk:
    """A chunk's name and content, and whether it is behind the pixels."""

    name: bytes
    data: bytes
    late: bool = False

    def __bytes__(self) -> bytes:
        return chunk(self.name, self.data)


@dataclass(frozen=True)
class Chunks:
    """The chunks of a file beside its pixels.

    Attributes:
        carried: in their order.
        dropped: in a few words each.
        kind, depth: the colour type and the bits a sample.
        palette: the content of `PLTE`; in a file of RGB, a suggestion.
    """

    carried: list[Chunk] = field(default_factory=list)
    dropped: tuple[str, ...] = ()
    kind: int = 2
    depth: int = 8
    palette: bytes = b""

    def first(self, *names: bytes) -> bytes:
        """The content of the first chunk of these names; empty if there is none."""
        return next((c.data for c in self.carried if c.name in names), b"")


def read_chunks(file: BinaryIO) -> Chunks:
    """Read all chunks but the pixels.

    Raises:
        PhotoError: if it is animated, of a kind that is not PNG proper, or has over 65536 chunks.
    """
    found, dropped, seen, size = [], [], set[bytes](), 0
    head = dict[bytes, bytes]()
    frames, ended = 0, False
    for name, length, at in chunks(file):
        _refuse(name, not seen)
        late = b"IDAT" in seen
        seen.add(name)
        if name == b"fdAT" and frames:
            raise _animated()
        if name in (b"IDAT", *_ENCODING, b"fdAT"):
            continue
        if name == b"IEND":
            ended = file.seek(0, 2) > at + 4
            continue
        if len(found) + len(dropped) >= _MOST:
            raise PhotoError("is a PNG file of over 65536 chunks, which is not supported")
        size += length
        if length > _LONGEST or size > _MOST_BYTES:
            dropped.append(f"its chunk {printable(name)}, which is too large")
            continue
        data, check = file.read(length), file.read(4)
        if name == b"acTL" and not late and len(data) == 8:
            frames = int.from_bytes(data[:4], "big")
            if frames > 1:
                raise _animated()
        if name in _PIXELS:
            head.setdefault(name, data)
        elif name in _ANIMATION:
            continue
        elif zlib.crc32(name + data).to_bytes(4, "big") != check:
            dropped.append(f"its chunk {printable(name)}, which is damaged")
        elif name in _KNOWN or name[3] & 32:  # safe to copy
            found.append(Chunk(name, data, late))
        else:
            dropped.append(_WORDS.get(name, f"its chunk {printable(name)}"))
    dropped += ["the data behind its end"] if ended else []
    basic = head.get(b"IHDR", b"").ljust(13, b"\0")
    return Chunks(found, tuple(dict.fromkeys(dropped)), basic[9], basic[8], head.get(b"PLTE", b""))


def turned(found: Chunks, orientation: int) -> Chunks:
    """The chunks of the upright picture, whose sides are exchanged from an orientation of 5 on."""
    carried, dropped = [], []
    for one in found.carried:
        data = one.data
        if orientation > 1 and one.name in _SIDED:
            dropped.append(
                f"its chunk {printable(one.name)}, which is of the picture before its turn"
            )
            continue
        if orientation >= 5 and one.name == b"pHYs":
            data = data[4:8] + data[:4] + data[8:]
        if orientation >= 5 and one.name == b"sCAL" and data[1:].count(b"\0") == 1:
            data = data[:1] + b"\0".join(reversed(data[1:].split(b"\0")))
        carried.append(replace(one, data=data))
    return replace(found, carried=carried, dropped=(*found.dropped, *dropped))


def adapted(found: Chunks, channels: int, depth: int) -> list[Chunk]:
    """The chunks for pixels of another kind: `sBIT`, `bKGD`, and a suggested palette.

    Args:
        channels, depth: of the file to be written, which has no palette.
    """
    made, behind = [], []
    suggested = found.kind in (2, 6) and channels > 2
    if suggested and found.palette:
        made.append(Chunk(b"PLTE", found.palette))
    for one in found.carried:
        if one.name == b"sBIT":
            one = replace(one, data=_significant(found, one.data, channels, depth))
        elif one.name == b"bKGD":
            one = replace(one, data=_background(found, one.data, channels, depth))
        elif one.name == b"hIST" and not (suggested and found.palette):
            continue
        if one.data or one.name not in (b"sBIT", b"bKGD"):
            (behind if one.name in _AFTER_PALETTE else made).append(one)
    # All chunks of colours precede the palette.
    made.sort(key=lambda one: one.late * 2 + (one.name == b"PLTE"))
    place = next((i for i, one in enumerate(made) if one.late), len(made))
    return made[:place] + behind + made[place:]


def words(found: Chunks, profile: bool) -> tuple[str, ...]:
    """What only a PNG holds of these chunks, in a few words each.

    Args:
        profile: whether an ICC profile says what the colours mean.
    """
    keys = [keyword(c.data) for c in found.carried if c.name in TEXT and role(c.data) == "text"]
    names = list(dict.fromkeys(printable(key) for key in keys))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    said = [f"its text ({', '.join(names[:3])}{more})"] if names else []
    described = [b"sBIT", b"bKGD", b"sPLT", b"oFFs", b"pCAL", b"sCAL", b"sTER", b"tIME"]
    other = {c.name for c in found.carried} - {*_KNOWN}
    held = {c.name for c in found.carried} & {*described} | other
    said += [f"its chunk {printable(name)}" for name in sorted(held)]
    across, down, unit = struct.unpack(">IIB", found.first(b"pHYs").ljust(9, b"\0")[:9])
    said += ["the aspect of its pixels (pHYs)"] if not unit and across != down else []
    if not profile and not found.first(b"cICP", b"sRGB") and not _plain(found):
        said.append("the gamma and primaries of its colours (gAMA, cHRM)")
    return tuple(said)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, length and end of the content of each chunk, the file being at its content."""
    at, name = len(SIGNATURE), b""
    file.seek(at)
    while name != b"IEND" and len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        yield name, length, at + 8 + length
        at += 12 + length
        file.seek(at)


def _refuse(name: bytes, first: bool) -> None:
    if name == b"CgBI" and first:
        raise PhotoError(
            "is a PNG of Apple's own kind (CgBI), which is not supported; convert it first, with"
            " pngcrush -revert-iphone-optimizations"
        )
    if not name[0] & 32 and name not in _PIXELS and name.isalpha():
        raise PhotoError(
            f"is a PNG file with a private chunk ({printable(name)}), without which it cannot be"
            " shown; save it as a plain PNG first"
        )


def _animated() -> PhotoError:
    return PhotoError("is animated or has several pictures; a single picture was expected")


def _significant(found: Chunks, data: bytes, channels: int, depth: int) -> bytes:
    """11.3.2.6: one byte a channel; empty if the chunk is damaged."""
    colours = _KINDS.get(found.kind, 3)
    if len(data) != colours + (found.kind in (4, 6)) or channels not in (colours, colours + 1):
        return b""
    alpha = data[colours:] or bytes([depth])
    return data[:colours] + (alpha if channels > colours else b"")


def _background(found: Chunks, data: bytes, channels: int, depth: int) -> bytes:
    """11.3.4.1: a colour of 16-bit numbers, of an index into the palette the colour itself."""
    if found.kind == 3:
        at = 3 * data[0] if len(data) == 1 else len(found.palette)
        colour = found.palette[at : at + 3]
        return b"".join(b"\0" + colour[i : i + 1] for i in range(3)) if len(colour) == 3 else b""
    numbers = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
    if len(data) % 2 or len(numbers) != (1 if channels < 3 else 3):
        return b""
    top, new = 2**found.depth - 1, 2**depth - 1
    return b"".join((min(n, top) * new // top).to_bytes(2, "big") for n in numbers)


def _plain(found: Chunks) -> bool:
    """Whether gAMA and cHRM, as far as they are there, say what sRGB does: 11.3.2.1, 11.3.2.2."""
    gamma, primaries = found.first(b"gAMA"), found.first(b"cHRM")
    plain = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    near = len(primaries) != 32 or all(
        abs(a - b) <= 500 for a, b in zip(struct.unpack(">8I", primaries), plain, strict=True)
    )
    return near and (len(gamma) != 4 or abs(int.from_bytes(gamma, "big") - 45455) <= 1000)
