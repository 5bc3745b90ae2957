"""XMP of more than 64 KB in a JPEG, read by Pillow's segments and put together here."""

from __future__ import annotations

import hashlib
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.photo.jpegs import APP1, EXTENSION, STANDARD, packet, picture, with_xmp
from unblur import photo
from unblur.errors import CannotHoldError
from unblur.photo import extended_xmp
from unblur.photo.jpeg_segments import Segment

LONG = "".join(f"step {n} &amp; more; " for n in range(5000))
HISTORY = f"<photoshop:History>{LONG}</photoshop:History>"


def test_a_long_packet_is_read_whole_and_written_whole() -> None:
    standard, segments = extended(HISTORY)
    read = photo.read(picture([*with_xmp(standard), *segments]))
    assert read.origin.dropped == ()
    joined = read.origin.header.get("xmp-data")
    assert LONG.encode() in joined
    assert b'xmp:Rating="4"' in joined
    assert b"HasExtendedXMP" not in joined
    standard, whole = parts(photo.encode(read, read.pixels))
    assert b'xmp:Rating="4"' in standard
    assert LONG.encode() in whole
    again = photo.read(photo.encode(read, read.pixels))
    second = photo.read(photo.encode(again, again.pixels))
    assert second.origin.header.get("xmp-data").count(LONG.encode()) == 1


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_it_is_one_packet_in_other_formats_and_back(kind: str) -> None:
    standard, segments = extended(HISTORY)
    read = photo.read(picture([*with_xmp(standard), *segments]))
    other = photo.read(photo.encode(read, read.pixels, kind))
    assert LONG.encode() in other.origin.header.get("xmp-data")
    _, whole = parts(photo.encode(other, other.pixels, "jpeg"))
    assert LONG.encode() in whole


def test_attributes_and_several_descriptions_are_divided() -> None:
    long = "h" * 40000
    two = packet(f"<xmp:Label>{long}</xmp:Label>", f'photoshop:History="{long}" xmp:Rating="4"')
    first, *others = extended_xmp.segments(two)
    assert len(first) <= 65533
    whole, lost = extended_xmp.joined(first[len(STANDARD) :], others)
    assert (whole.count(long.encode()), lost) == (2, [])
    assert b'xmp:Rating="4"' in whole
    padded = packet("").replace(b"<?xpacket end", b" " * 70000 + b"<?xpacket end")
    (only,) = extended_xmp.segments(padded)
    assert len(only) < 1000


def test_what_a_jpeg_cannot_hold_is_refused_before_the_work() -> None:
    short = packet("")
    for bad in (
        b"<" * 70000,
        short.replace(b"</x:xmpmeta>", b"<!--" + b"x" * 70000 + b"--></x:xmpmeta>"),
    ):
        with pytest.raises(CannotHoldError, match="more XMP than a JPEG can hold"):
            extended_xmp.segments(bad)
    read = photo.read(tiff_with_xmp(b"<" * 70000))
    with pytest.raises(CannotHoldError, match=r"more XMP.*write it as png or tiff"):
        photo.check_holds(read, "jpeg")


def test_damaged_parts_are_said_and_not_announced() -> None:
    standard, segments = extended(HISTORY)
    swapped = [*with_xmp(standard), *segments[::-1]]
    assert photo.read(picture(swapped)).origin.dropped == ()
    for some in (segments[:1], segments[1:], [(APP1, EXTENSION + b"short")]):
        read = photo.read(picture([*with_xmp(standard), *some]))
        assert read.origin.dropped == (extended_xmp.LOST,)
        first, whole = parts(photo.encode(read, read.pixels))
        assert b"HasExtended" not in first
        assert b'xmp:Rating="4"' in first
        assert whole == b""
    for packets in ([], with_xmp(b"<broken"), with_xmp(packet(""))):
        read = photo.read(picture([*packets, *segments]))
        assert read.origin.dropped == (extended_xmp.LOST,)


@settings(max_examples=60)
@given(st.data())
def test_mutations(data: st.DataObject) -> None:
    standard, segments = extended("<xmp:Label>long</xmp:Label>", chunk=50)
    bodies = [standard, *(body for _, body in segments)]
    which = data.draw(st.integers(0, len(bodies) - 1))
    bad = bytearray(bodies[which])
    at = data.draw(st.integers(0, len(bad) - 1))
    bad[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
    bodies[which] = bytes(bad)
    whole, lost = extended_xmp.joined(bodies[0], bodies[1:])
    assert lost in ([], [extended_xmp.LOST])
    assert whole


def extended(properties: str, chunk: int = 65400) -> tuple[bytes, list[Segment]]:
    """A standard packet, and the segments of an extended one with these properties."""
    inner = packet(properties)
    inner = inner[inner.index(b"<x:xmpmeta") : inner.index(b"<?xpacket end")]
    guid = hashlib.md5(inner).hexdigest().upper()
    standard = packet("", f'xmp:Rating="4" xmpNote:HasExtendedXMP="{guid}"')
    head = EXTENSION + guid.encode() + len(inner).to_bytes(4, "big")
    starts = range(0, len(inner), chunk)
    bodies = [head + at.to_bytes(4, "big") + inner[at : at + chunk] for at in starts]
    return standard, [(APP1, body) for body in bodies]


def parts(data: bytes) -> tuple[bytes, bytes]:
    """The standard packet, and the extended one after its digest has been compared."""
    found: list[tuple[str, bytes]] = Image.open(io.BytesIO(data)).applist  # pyright: ignore
    bodies = [body for name, body in found if name == "APP1"]
    (standard,) = [body[len(STANDARD) :] for body in bodies if body.startswith(STANDARD)]
    whole = b"".join(body[len(EXTENSION) + 40 :] for body in bodies if body.startswith(EXTENSION))
    guid = re.search(rb'HasExtendedXMP="(\w+)"', standard)
    if guid:
        assert hashlib.md5(whole).hexdigest().upper().encode() == guid[1]
    return standard, whole


def tiff_with_xmp(data: bytes) -> bytes:
    file = io.BytesIO()
    image = Image.open(io.BytesIO(picture([])))
    image.save(file, "tiff", tiffinfo={700: data})
    return file.getvalue()
