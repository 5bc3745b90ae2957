"""JPEG: what becomes of each segment, and of what lies behind the picture."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from tests.photo.jpegs import APP1, JFIF, packet, picture, with_xmp
from unblur import photo
from unblur.errors import CannotHoldError, PhotoError
from unblur.photo import jpeg_segments, photoshop, writing, xmp
from unblur.photo.jpeg_segments import APP0, APP13, APP14, COMMENT, Segment

GAIN_MAP = picture(with_xmp(packet("", 'hdrgm:Version="1.0" hdrgm:GainMapMax="3"')))
ISO_GAIN_MAP = picture([(0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(40))])
FILM = struct.pack(">I", 24) + b"ftypmp42" + bytes(12) + b"\0\0\0\x08mdat" * 20
SAMSUNG = b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + FILM + b"SEFH\x6b\0\0\0\1\0\0\0SEFT"


def mpf(*kinds: int) -> Segment:
    """An index of pictures of these types."""
    entries = b"".join(struct.pack(">IIIHH", kind, 99, 0, 0, 0) for kind in kinds)
    head = b"MM\0*\0\0\0\x08" + struct.pack(
        ">HHHI4s", 2, 0xB001, 4, 1, struct.pack(">I", len(kinds))
    )
    head += struct.pack(">HHII", 0xB002, 7, len(entries), 38) + bytes(4)
    return 0xE2, b"MPF\0" + head + entries


ANNOUNCED = {
    "Adobe's gain map": (
        [*with_xmp(packet("", 'hdrgm:Version="1.0"')), mpf(0x30000, 0)], GAIN_MAP, xmp.GAIN_MAP,
    ),
    "ISO's gain map": (
        [(0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0"), mpf(0x30000, 0)], ISO_GAIN_MAP,
        xmp.GAIN_MAP,
    ),
    "Apple's gain map": (
        [mpf(0x30000, 0)],
        picture([(APP1, b"urn:com:apple:photo:2020:aux:hdrgainmap\0HDRGainMap")]),
        xmp.GAIN_MAP,
    ),
    "Google's film": (
        with_xmp(packet("", 'GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="184"')),
        FILM,
        xmp.FILM,
    ),
    "Samsung's film": ([], SAMSUNG, xmp.FILM),
    "a depth map": ([], b"DualShot_DepthMap_1" + bytes(20) + b"SEFT", xmp.DEPTH),
    "previews": ([mpf(0x30000, 0x10001, 0x10002)], picture([]), jpeg_segments.PREVIEWS),
    "something": ([], b"PK\3\4 an archive", xmp.BEHIND),
    "a preview in segments": (
        [(0xE3, picture([])[:300]), (0xE4, picture([])[300:])], b"", jpeg_segments.PREVIEWS,
    ),
    "content credentials": (
        [(0xEB, b"JP\0\1\0\0\0\1\0\0\1\0jumb\0\0\0\x1ejumdc2pa" + bytes(40))], b"", xmp.CREDENTIALS,
    ),
    "content credentials in two segments": (
        [(0xEB, b"JP\0\7\0\0\0\1\0\0\1\0jumbc2pa" + bytes(40)),
         (0xEB, b"JP\0\7\0\0\0\2\0\0\1\0jumbmore")], b"", xmp.CREDENTIALS,
    ),
    "JPEG-HDR": ([(0xEB, b"HDR_RI ver=11")], b"", "the high dynamic range of a JPEG-HDR"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANNOUNCED)
def test_what_belongs_to_the_old_picture_is_dropped_and_said(name: str, tmp_path: Path) -> None:
    segments, behind, what = ANNOUNCED[name]
    path = tmp_path / "photo.jpg"
    path.write_bytes(picture(segments, behind))
    for source in (path, path.read_bytes()):
        read = photo.read(source)
        assert writing.lost(read, "jpeg") == (what,)
        made = photo.encode(read, read.pixels)
        for word in (
            b"MPF",
            b"hdrgm",
            b"gain",
            b"21496",
            b"GCamera",
            b"ftyp",
            b"c2pa",
            b"jumb",
            b"HDR_",
        ):
            assert word not in made
        assert made.endswith(b"\xff\xd9")
        assert made.count(b"\xff\xd8\xff") == 1
        assert photo.read(made).origin.dropped == ()


def test_zeros_behind_the_picture_are_nothing() -> None:
    assert photo.read(picture([], bytes(5000) + b"\r\n")).origin.dropped == ()


@pytest.mark.parametrize("kind", [0x20001, 0x20002, 0x20003])
def test_one_of_several_pictures_is_refused(kind: int) -> None:
    with pytest.raises(PhotoError, match=r"several pictures \(MPO\)"):
        photo.read(picture([mpf(kind, kind)], picture([])))


def test_segments_come_back_in_their_order() -> None:
    resources = photoshop.resource(1028, b"\x1c\x02\x05\x00\x05Title") + photoshop.resource(
        2999, b"a" * 90000
    )
    thumbnail = photoshop.resource(1036, b"old")
    kept = [
        (COMMENT, b"one"), (0xE1, b"FLIR\0\1\0\0"), (0xE4, b"maker"), (0xEC, b"Ducky\0"),
        (COMMENT, b"\xff\xd9 two"), (0xEB, b"JP\0\1\0\0\0\1\0\0\0\x10jumb other"),
    ]  # fmt: skip
    taken = [(APP0, b"JFXX\0\x10old"), (APP14, b"Adobe\0\x64\0\0\0\0\1"), (0xE8, b"SPIFF\0")]
    whole = resources + thumbnail
    photoshops = [
        (APP13, photoshop.HEAD + whole[at : at + 60000]) for at in range(0, len(whole), 60000)
    ]
    read = photo.read(picture([JFIF, *taken, *photoshops, *kept]))
    data = photo.encode(read, read.pixels)
    found: list[tuple[str, bytes]] = Image.open(io.BytesIO(data)).applist  # pyright: ignore
    names = [(f"APP{m - 0xE0}" if m != COMMENT else "COM", body) for m, body in kept]
    assert [part for part in found if part in names] == names
    joined = b"".join(body[14:] for name, body in found if name == "APP13")
    assert joined == resources
    assert [name for name, _ in found if name in ("APP14", "APP8")] == []
    assert read.origin.dropped == ("the header of SPIFF",)
    assert "Photoshop's resources" in writing.lost(read, "webp")
    assert writing.lost(read, "png")[1:] == (
        "its APP1 segments", "its APP11 segments", "its APP12 segments", "its APP4 segments",
        "its comments",
    )  # fmt: skip
    tiff = photo.read(photo.encode(read, read.pixels, "tiff"))
    back = photo.read(photo.encode(tiff, tiff.pixels, "jpeg"))
    assert back.origin.header.get("photoshop-data") == resources


@pytest.mark.parametrize("turn", [1, 6])
def test_the_shape_of_pixels_stays(turn: int) -> None:
    aspect = (APP0, b"JFIF\0\1\2\0\0\2\0\1\0\0")
    exif = Image.Exif()
    exif[0x112] = turn
    read = photo.read(picture([aspect, (APP1, exif.tobytes())]))
    made: Any = Image.open(io.BytesIO(photo.encode(read, read.pixels)))
    assert made.info["jfif_unit"] == 0
    assert made.info["jfif_density"] == ((2, 1) if turn == 1 else (1, 2))


def test_the_resolution_of_another_format_is_written() -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(picture([]))).save(file, "png", dpi=(300, 150))
    read = photo.read(file.getvalue())
    made: Any = Image.open(io.BytesIO(photo.encode(read, read.pixels, "jpeg")))
    assert made.info["dpi"] == (300, 150)


@pytest.mark.parametrize("order", ["012", "201", "02"])
def test_a_profile_in_parts(order: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    step = len(profile) // 3 + 1
    parts = [
        (0xE2, b"ICC_PROFILE\0" + bytes((n + 1, 3)) + profile[n * step : (n + 1) * step])
        for n in map(int, order)
    ]
    read = photo.read(picture(parts))
    made: Any = Image.open(io.BytesIO(photo.encode(read, read.pixels)))
    whole = len(order) == 3
    assert made.info.get("icc_profile") == (profile if whole else None)
    assert bool(read.origin.dropped) != whole


def test_too_much_exif_is_refused_before_the_work() -> None:
    exif = Image.Exif()
    exif[0x927C] = bytes(70000)
    file = io.BytesIO()
    Image.open(io.BytesIO(picture([]))).save(file, "png", exif=exif)
    with pytest.raises(CannotHoldError, match="more EXIF than a JPEG can hold"):
        photo.check_holds(photo.read(file.getvalue()), "jpeg")


@pytest.mark.parametrize("ending", [".jpe", ".jfif", ".JFI", ".jif"])
def test_other_endings_are_jpegs(ending: str) -> None:
    assert photo.format_of(Path(f"a{ending}")) == "jpeg"


def test_many_segments_take_no_time() -> None:
    many = b"\xff\xe5\0\2" * 10**6
    plain = picture([])
    found, _ = jpeg_segments.read_segments(io.BytesIO(plain[:2] + many + plain[2:]))
    assert len(found) == 2**16 + 1
    huge = (b"\xff\xe5\xff\xff" + bytes(65533)) * 1100
    found, lost = jpeg_segments.read_segments(io.BytesIO(plain[:2] + huge + plain[2:]))
    assert sum(len(body) for _, body in found) <= 2**26
    assert lost == ["its metadata beyond 64 MiB"]


@settings(max_examples=100)
@given(st.data())
def test_mutated_segments_are_read_or_refused(data: st.DataObject) -> None:
    everything = [part for segments, _, _ in ANNOUNCED.values() for part in segments]
    resources = photoshop.resource(1028, b"x") + photoshop.resource(1036, b"y")
    extra = [(APP13, photoshop.HEAD + resources), (0xE2, b"ICC_PROFILE\0\1\1" + bytes(128))]
    good = picture([JFIF, *everything, *extra], SAMSUNG)
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(2, len(bad) - 1))
        bad[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        read = photo.read(bytes(bad), 2**20)
        made = photo.encode(read, read.pixels)
    except PhotoError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert photo.read(made).width == read.width
