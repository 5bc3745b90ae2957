"""What AVIF and HEIC say of their colours, and what else they hold."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from tests.photo import fidelity
from unblur import photo
from unblur.errors import PhotoError
from unblur.photo import av1, bmff
from unblur.photo.avif_boxes import rebuilt
from unblur.photo.bmff import box
from unblur.photo.writing import lost

PIXELS = fidelity.picture(3)


def colr(*numbers: int, full: bool = True) -> bytes:
    return box(b"colr", b"nclx" + struct.pack(">HHHB", *numbers, full << 7))


def avif(*properties: bytes, channels: int = 3, bits: int = 8, **options: Any) -> bytes:
    """A file by libheif, whose stream says nothing else than the properties' `colr`."""
    pixels = fidelity.picture(channels, np.uint8 if bits == 8 else np.uint16)
    image = fidelity._image(pixels)
    data = image.heifsave_buffer(compression="av1", bitdepth=bits, keep=0, **options)
    said = next((p for p in properties if p[4:12] == b"colrnclx"), None)
    if said is None:
        return rebuilt(data, {}, list(properties))
    numbers = struct.unpack_from(">HHHB", said, 12)
    item, stream = primary(data)
    points = (*numbers[:3], bool(numbers[3]))
    return rebuilt(data, {item: av1.with_colours(stream, points)}, list(properties))


def primary(data: bytes) -> tuple[int, bytes]:
    found = bmff.contents(io.BytesIO(data))
    at, length = found.locations[found.primary][0]
    return found.primary, data[at : at + length]


def properties(data: bytes) -> dict[bytes, bytes]:
    found = bmff.contents(io.BytesIO(data))
    return {one[4:8]: one for one in found.properties[found.primary]}


@pytest.mark.parametrize(
    ("points", "full", "channels", "bits"),
    [
        ((12, 13, 1), True, 3, 8),
        ((12, 13, 1), False, 3, 10),
        ((12, 13, 6), True, 3, 8),
        ((12, 13, 6), True, 4, 8),
        ((9, 16, 9), True, 3, 10),
        ((9, 16, 9), False, 3, 12),
        ((9, 18, 9), True, 4, 12),
        ((9, 18, 9), False, 4, 10),
        ((1, 13, 0), True, 4, 8),
        ((1, 13, 0), True, 3, 10),
    ],
)
def test_code_points_come_back(
    points: tuple[int, int, int], full: bool, channels: int, bits: int
) -> None:
    if points[2] == 0:
        data = avif(channels=channels, bits=bits, lossless=True)
    else:
        data = avif(colr(*points, full=full), channels=channels, bits=bits, Q=90)
    read = photo.read(data)
    back = photo.encode(read, read.pixels)
    if points[:2] != (1, 13) or channels == 4:
        assert properties(back)[b"colr"] == colr(*points, full=full)
        assert av1.colours(primary(back)[1]) == (*points, full)
    again = photo.read(back)
    assert again.pixels.dtype == read.pixels.dtype
    # As shown by Pillow, whose libavif shares no code with libheif.
    assert fidelity.psnr(read.pixels, again.pixels) > 44
    if bits == 8:
        one, two = (np.array(Image.open(io.BytesIO(file))) for file in (data, back))
        assert fidelity.psnr(one, two) > 40


def test_only_the_meaning_decides_where_a_format_has_no_code_points() -> None:
    for points in ((1, 13, 6), (1, 1, 1), (2, 2, 2)):
        read = photo.read(avif(colr(*points)))
        assert (
            "icc_profile"
            not in Image.open(io.BytesIO(photo.encode(read, read.pixels, "jpeg"))).info
        )
        assert properties(photo.encode(read, read.pixels))[b"colr"] == colr(*points[:2], 6)
    p3 = photo.read(avif(colr(12, 13, 6)))
    for kind in ("jpeg", "webp", "tiff"):
        file = Image.open(io.BytesIO(photo.encode(p3, p3.pixels, kind)))
        assert b"P3" in file.info["icc_profile"].replace(b"\0", b"")
    assert "icc_profile" not in Image.open(io.BytesIO(photo.encode(p3, p3.pixels, "png"))).info
    for points, name in (((9, 16, 9), "PQ"), ((9, 18, 9), "HLG"), ((9, 14, 9), "CICP 9/14")):
        read = photo.read(avif(colr(*points)))
        for kind in ("jpeg", "webp", "tiff", "gif"):
            with pytest.raises(PhotoError, match=rf"{name}\), which {kind.upper()} cannot say"):
                photo.check_holds(read, kind)
        made = photo.read(photo.encode(read, read.pixels, "png"))
        assert made.origin.chunks is not None
        assert made.origin.chunks.first(b"cICP") == bytes((*points[:2], 0, 1))


def test_the_stream_tells_where_no_box_does() -> None:
    data = avif(colr(9, 16, 9))
    bare = data.replace(b"colrnclx", b"freenclx")
    origin = photo.read(bare).origin
    assert origin.cicp is not None
    assert (origin.cicp.primaries, origin.cicp.transfer) == (9, 16)


def test_hdr_data_goes_to_png_and_back() -> None:
    screen = struct.pack(">HHHHHHHHII", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    given = [
        colr(9, 16, 9),
        box(b"mdcv", screen),
        box(b"clli", struct.pack(">HH", 1000, 400)),
        box(b"amve", bytes(8)),
        box(b"pasp", struct.pack(">II", 2, 1)),
        box(b"xyzw", b"unknown"),
    ]
    read = photo.read(avif(*given))
    assert lost(read, "avif") == ("its property xyzw",)
    back = properties(photo.encode(read, read.pixels))
    assert [back[one[4:8]] for one in given[:-1]] == given[:-1]
    assert lost(read, "png") == (
        "its property xyzw",
        "the ambient light of an HDR photo (amve)",
        "the aspect of its pixels (pasp)",
    )
    made = photo.read(photo.encode(read, read.pixels, "png"))
    assert made.origin.chunks is not None
    assert made.origin.chunks.first(b"mDCV") == screen[8:12] + screen[:8] + screen[12:]
    assert made.origin.chunks.first(b"cLLI") == struct.pack(">II", 10_000_000, 4_000_000)
    final = properties(photo.encode(made, made.pixels, "avif"))
    assert [final[name] for name in (b"mdcv", b"clli")] == given[1:3]
    assert lost(made, "avif") == ()


def test_only_boxes_turn_pixels_and_exif_comes_back_byte_for_byte() -> None:
    image = fidelity._image(PIXELS).copy()
    image.set_type(pyvips.GValue.blob_type, "exif-data", b"Exif\0\0" + fidelity.exif(1))
    image.set_type(pyvips.GValue.blob_type, "xmp-data", fidelity.XMP)
    plain = image.heifsave_buffer(compression="av1", Q=95)
    number = next(
        n for n, item in bmff.contents(io.BytesIO(plain)).items.items() if item.kind == b"Exif"
    )
    exif = {number: bytes(4) + fidelity.exif(6)}
    for boxes, shape in (([], (96, 120)), ([box(b"irot", b"\1")], (120, 96))):
        shape_of = [*boxes, box(b"pasp", struct.pack(">II", 2, 1))]
        read = photo.read(rebuilt(plain, exif, shape_of))
        assert (read.height, read.width) == shape
        back = photo.encode(read, read.pixels)
        again = photo.read(back)
        assert (again.height, again.width) == shape
        sides = (1, 2) if boxes else (2, 1)
        assert properties(back)[b"pasp"] == box(b"pasp", struct.pack(">II", *sides))
        block = Image.open(io.BytesIO(back)).info["exif"].removeprefix(b"Exif\0\0")
        assert block == fidelity.exif(1)
        assert again.origin.header.get("xmp-data") == fidelity.XMP


def _orientations() -> list[tuple[list[bytes], int]]:
    """Transformations, and the orientation of EXIF that shows the same."""
    turns = [[box(b"irot", bytes([n]))] if n else [] for n in range(4)]
    plain = list(zip(turns, (1, 8, 3, 6), strict=True))
    across, down = box(b"imir", b"\1"), box(b"imir", b"\0")
    mirrored = [([*turn, across], n) for turn, n in zip(turns, (2, 7, 4, 5), strict=True)]
    first = [([across, *turn], n) for turn, n in zip(turns, (2, 5, 4, 7), strict=True)]
    return [*plain, *mirrored, *first, ([down], 4), ([*turns[1], down], 5)]


@pytest.mark.parametrize(("boxes", "orientation"), _orientations())
@pytest.mark.parametrize("stated", [1, 6])
def test_what_turns_pixels_turns_places_whatever_exif_says(
    boxes: list[bytes], orientation: int, stated: int
) -> None:
    exif = Image.Exif()
    exif[0x112] = stated
    exif.get_ifd(0x8769)[0x9214] = (10, 12, 5, 7)
    said = f"<x><a tiff:Orientation='{stated}' xmlns:tiff='http://ns.adobe.com/tiff/1.0/'/></x>"
    image = fidelity._image(PIXELS).copy()
    image.set_type(pyvips.GValue.blob_type, "exif-data", b"Exif\0\0" + fidelity.exif(1))
    image.set_type(pyvips.GValue.blob_type, "xmp-data", said.encode())
    plain = image.heifsave_buffer(compression="av1", Q=95)
    found = bmff.contents(io.BytesIO(plain))
    number = next(n for n, item in found.items.items() if item.kind == b"Exif")
    data = rebuilt(plain, {number: bytes(4) + exif.tobytes().removeprefix(b"Exif\0\0")}, boxes)
    read = photo.read(data)
    turned = _upright(PIXELS, orientation)
    assert np.abs(read.pixels.astype(int) - turned).mean() < 4
    height, width = PIXELS.shape[:2]
    for kind in ("avif", "jpeg"):
        again: Any = Image.open(io.BytesIO(photo.encode(read, read.pixels, kind)))
        tags = again.getexif()
        assert tags[0x112] == 1
        x, y = tags.get_ifd(0x8769)[0x9214][:2]
        place = np.zeros((height, width), bool)
        place[12, 10] = True
        assert _upright(place, orientation)[y, x]
        assert b"tiff:Orientation='1'" in again.info["xmp"]


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """By EXIF 2.32, section 4.6.4, tag 274."""
    pixels = pixels.swapaxes(0, 1) if orientation >= 5 else pixels
    pixels = pixels[::-1] if orientation in (3, 4, 7, 8) else pixels
    return pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels


def test_other_pictures_are_said() -> None:
    heif = pytest.importorskip("pillow_heif")
    size = (PIXELS.shape[1], PIXELS.shape[0])
    file, data = heif.from_bytes("RGB", size, PIXELS.tobytes()), io.BytesIO()
    file.add_from_pillow(Image.fromarray(PIXELS[::-1].copy()))
    file.save(data, quality=90)
    assert lost(photo.read(data.getvalue()), "png") == ("1 other picture of the file",)
    film = data.getvalue() + box(b"mpvd", b"film") + box(b"uuid", bytes.fromhex(C2PA) + b"x")
    assert lost(photo.read(film), "png")[1:] == (
        "the film of a motion photo",
        "its content credentials (C2PA), which are signed for the old pixels",
    )


C2PA = "d8fec3d61b0e483c92975828877ec481"


def test_auxiliary_pictures_and_gain_maps_are_said() -> None:
    data = avif(channels=4, lossless=True)
    assert lost(photo.read(data), "png") == ()
    for new, words in (
        (b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth", "its depth map"),
        (b"urn:com:apple:photo:2020:aux:hdrgainmap", "the gain map of an HDR photo"),
        (b"urn:example:matte", "its auxiliary picture (matte)"),
    ):
        old = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"
        other = data.replace(old, new.ljust(len(old), b"\0"))
        assert lost(photo.read(other), "png") == (words,)
    premultiplied = data.replace(b"auxl", b"prem")
    with pytest.raises(PhotoError, match="premultiplied"):
        photo.read(premultiplied)


def test_sequences_are_refused() -> None:
    frames = [Image.fromarray(np.roll(PIXELS, 9 * i, 1)) for i in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "AVIF", save_all=True, append_images=frames[1:])
    with pytest.raises(PhotoError, match="animated or has several pictures"):
        photo.read(file.getvalue())
    single = io.BytesIO()
    frames[0].save(single, "AVIF")
    assert photo.read(single.getvalue()).width == 120


def test_bombs_of_boxes_are_bounded(tmp_path: Path) -> None:
    nested = b""
    for _ in range(200):
        nested = box(b"meta", bytes(4) + nested)
    for data in (
        nested,
        box(b"meta", bytes(4) + box(b"iloc", b"\2\0\0\0\x44\x44" + b"\xff" * 60)),
        box(b"meta", bytes(4) + box(b"iref", bytes(4) + box(b"cdsc", b"\0\1\xff\xff"))),
        struct.pack(">I4sQ", 1, b"meta", 2**63),
        struct.pack(">I4s", 4, b"meta"),
        b"\0\0\0\0meta" * 3,
        b"\0\0\0\x08free" * 100_000,
    ):
        assert bmff.contents(io.BytesIO(data)).items == {}
