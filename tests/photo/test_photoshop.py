"""Photoshop's resources: what is taken out, and what stays."""

from __future__ import annotations

import hashlib
import struct

from hypothesis import given
from hypothesis import strategies as st

from unblur.photo import photoshop

THUMBNAIL = photoshop.resource(1036, b"\xff\xd8 a small JPEG")
OLD_THUMBNAIL = photoshop.resource(1033, b"odd")
IPTC = photoshop.resource(1028, b"\x1c\x02\x05\x00\x05Title")
DIGEST = photoshop.resource(1061, bytes(16))
NAMED = b"8BIM" + struct.pack(">H", 2000) + b"\4path\0" + struct.pack(">I", 2) + b"xy"


def test_thumbnails_are_taken_out_and_all_else_stays() -> None:
    whole = IPTC + THUMBNAIL + NAMED + OLD_THUMBNAIL + DIGEST
    assert photoshop.without_thumbnails(whole) == IPTC + NAMED + DIGEST
    assert photoshop.records(whole) == b"\x1c\x02\x05\x00\x05Title"
    assert photoshop.records(DIGEST) == b""


def test_a_name_may_look_like_a_resource() -> None:
    tricky = photoshop.resource(1000, b"8BIM\x04\x04\0\0\0\0\0\2no")
    assert photoshop.records(tricky + IPTC) == b"\x1c\x02\x05\x00\x05Title"


def test_positions_and_resolutions_turn_with_the_picture() -> None:
    across, down = struct.pack(">IHH", 72 << 16, 1, 1), struct.pack(">IHH", 36 << 16, 1, 2)
    wide, tall = (photoshop.resource(1064, struct.pack(">Id", 1, shape)) for shape in (2, 0.5))
    whole = photoshop.resource(1005, across + down) + NAMED + IPTC + wide
    assert photoshop.has_places(whole)
    assert photoshop.turned(whole) == photoshop.resource(1005, down + across) + IPTC + tall
    assert not photoshop.has_places(photoshop.turned(whole))


def test_records_take_their_place_with_a_digest_of_their_own() -> None:
    new = b"\x1c\x02\x05\x00\x05Other"
    digest = photoshop.resource(1061, hashlib.md5(new).digest())
    assert photoshop.with_records(IPTC + DIGEST, new) == photoshop.resource(1028, new) + digest
    assert photoshop.with_records(IPTC + DIGEST, photoshop.records(IPTC) + b"\0") == IPTC + DIGEST
    assert photoshop.with_records(b"", new) == photoshop.resource(1028, new)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_damaged_resources_are_kept(junk: bytes, cut: int) -> None:
    assert photoshop.without_thumbnails(IPTC + junk).startswith(IPTC)
    assert photoshop.without_thumbnails(IPTC[:cut]) == IPTC[:cut]
    photoshop.turned(junk)
    photoshop.records(junk)
