"""TIFF: each fact of the file, as tifffile sees it, before and after."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from tests.photo import fidelity
from unblur import photo
from unblur.errors import PhotoError, UnknownFormatError
from unblur.photo import photoshop, tiff_tags
from unblur.photo.writing import lost

PIXELS = fidelity.picture(3)[:64, :48]


@pytest.mark.parametrize("kind", [1, 3, 4, 6, 8, 9])
def test_an_orientation_of_any_integer_type_is_applied_and_reset(kind: int) -> None:
    read = photo.read(_made(PIXELS, extratags=[(274, kind, 1, 6, True)], resolution=(100, 200)))
    assert np.array_equal(read.pixels, np.rot90(PIXELS, -1))
    page = _page(photo.encode(read, read.pixels))
    assert page.tags[274].value == 1
    assert (page.tags[282].value, page.tags[283].value) == ((200, 1), (100, 1))
    other = photo.read(photo.encode(read, read.pixels, "png")).origin.header
    assert other.xres == pytest.approx(2 * other.yres, rel=0.01)


def test_a_resolution_without_a_unit_is_the_shape_of_the_pixels() -> None:
    data = _made(PIXELS, resolution=(1, 2), resolutionunit="none")
    assert lost(photo.read(data), "png") == ("the aspect of its pixels",)
    page = _page(_again(data))
    assert [page.tags[tag].value for tag in (282, 283, 296)] == [(1, 1), (2, 1), 1]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("tags", [{"subfiletype": 1}, {"extratags": [(255, 3, 1, 2, True)]}])
def test_smaller_copies_are_dropped_with_a_word(first: bool, tags: dict[str, Any]) -> None:
    def add(file: Any, pixels: np.ndarray, **more: Any) -> None:
        file.write(pixels, photometric="rgb", metadata=None, **more)

    data = io.BytesIO()
    with tifffile.TiffWriter(data) as file:
        if first:
            add(file, PIXELS, software="Ada")
        add(file, PIXELS[::2, ::2], **tags)
        if not first:
            add(file, PIXELS, software="Ada")
    read = photo.read(data.getvalue())
    assert np.array_equal(read.pixels, PIXELS)
    assert lost(read, "tiff") == ("the thumbnail",)
    with tifffile.TiffFile(io.BytesIO(photo.encode(read, read.pixels))) as file:
        assert len(file.pages) == 1
        written: Any = file.pages[0]
        assert written.tags["Software"].value == "Ada"
        assert 330 not in written.tags


def test_copies_in_sub_directories_and_masks_are_dropped_with_a_word() -> None:
    data = io.BytesIO()
    with tifffile.TiffWriter(data) as file:
        file.write(PIXELS, photometric="rgb", metadata=None, subifds=2)
        for step in (2, 4):
            small = PIXELS[::step, ::step]
            file.write(small, photometric="rgb", metadata=None, subfiletype=1)
        file.write(PIXELS[..., 0] > 99, photometric="minisblack", metadata=None, subfiletype=4)
    read = photo.read(data.getvalue())
    assert np.array_equal(read.pixels, PIXELS)
    assert lost(read, "tiff") == ("the smaller copies of it", "the mask")
    assert 330 not in _page(photo.encode(read, read.pixels)).tags


def test_a_photo_behind_its_copy_and_two_photos_are_refused() -> None:
    behind, two = io.BytesIO(), io.BytesIO()
    with tifffile.TiffWriter(behind) as file:
        small = PIXELS[::2, ::2]
        file.write(small, photometric="rgb", metadata=None, subfiletype=1, subifds=1)
        file.write(PIXELS, photometric="rgb", metadata=None)
    with pytest.raises(PhotoError, match="begins with a smaller copy of its photo; save"):
        photo.read(behind.getvalue())
    with tifffile.TiffWriter(two) as file:
        file.write(PIXELS, photometric="rgb", metadata=None)
        file.write(PIXELS[::2, ::2], photometric="rgb", metadata=None)
    with pytest.raises(PhotoError, match="several pages"):
        photo.read(two.getvalue())


def test_photoshop_keeps_all_but_layers_and_thumbnails() -> None:
    kept = photoshop.resource(1028, fidelity.IPTC) + photoshop.resource(2999, b"\5paths")
    block = kept + photoshop.resource(1036, bytes(50)) + photoshop.resource(1033, bytes(51))
    layers = b"Adobe Photoshop Document Data Block\0" + bytes(99)
    tags = [(34377, 7, len(block), block, True), (37724, 7, len(layers), layers, True)]
    read = photo.read(_made(PIXELS, extratags=tags))
    page = _page(photo.encode(read, read.pixels))
    assert bytes(page.tags[34377].value) == kept
    assert 37724 not in page.tags
    for kind in ("tiff", "jpeg", "png"):
        assert lost(read, kind) == ("the layers of Photoshop",)
    assert lost(read, "webp")[:2] == ("the layers of Photoshop", "Photoshop's resources")


def test_tags_that_describe_the_photo_come_back() -> None:
    curve = np.arange(768, dtype=np.uint16)
    tags = [
        (318, 5, 2, (3127, 10000, 3290, 10000), True),
        (319, 5, 6, (64, 100, 33, 100, 3, 10, 6, 10, 15, 100, 6, 100), True),
        (301, 3, 768, curve.tolist(), True),
        (321, 3, 2, (3, 250), True),
        (280, 3, 3, (0, 0, 0), True),
        (297, 3, 2, (0, 1), True),
        (42112, 2, 0, "<GDALMetadata />", True),
        (65000, 12, 2, (1.5, -2.5), True),
    ]
    before = _page(data := _made(PIXELS, extratags=tags))
    after = _page(_again(data))
    for tag, *_ in tags:
        assert np.array_equal(after.tags[tag].value, before.tags[tag].value), tag


def test_tags_that_point_elsewhere_are_dropped_with_a_word() -> None:
    tags = [(65001, 13, 1, 8, True), (400, 4, 1, 8, True)]
    read = photo.read(_made(PIXELS, extratags=tags))
    assert lost(read, "tiff") == ("the tag 65001",)
    assert not {65001, 400} & set(_page(photo.encode(read, read.pixels)).tags.keys())


def test_overlapping_values_take_bounded_memory() -> None:
    """A thousand tags of the same 16 MB."""
    rows = [struct.pack("<HHII", 50000 + i, 7, 2**24, 8) for i in range(1000)]
    end = 8 + 2**24
    whole = struct.pack("<2sHI", b"II", 42, end) + bytes(2**24)
    left_out: set[int] = set()
    file = io.BytesIO(whole + tiff_tags.directory({}, end, False, rows))
    found = tiff_tags.read_tags(file, left_out=left_out)
    assert sum(len(value) for _, _, value in found.values()) <= 2**26
    assert len(found) + len(left_out) == 1000


def test_a_damaged_sub_directory_costs_only_itself() -> None:
    tags = [(315, 2, 0, "Ada", True), (34665, 4, 1, 2**31, True)]
    page = _page(_again(_made(PIXELS, extratags=tags)))
    assert page.tags["Artist"].value == "Ada"
    assert 34665 not in page.tags


@pytest.mark.parametrize("extra", ["assocalpha", "unassalpha", "unspecified"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_keeps_its_meaning(extra: str, dtype: type) -> None:
    rng, peak = np.random.default_rng(0), np.iinfo(dtype).max
    alpha = rng.random((64, 64, 1))
    alpha[:8], alpha[8:16] = 0, 1
    whole = np.concatenate([rng.random((64, 64, 3)) * alpha, alpha], 2)
    pixels = (whole * peak).astype(dtype)
    again = _again(_made(pixels, extrasamples=[extra]))
    assert _page(again).extrasamples[0].name == extra.upper()
    assert np.array_equal(tifffile.imread(io.BytesIO(again)), pixels)


def test_what_the_layout_becomes_is_said() -> None:
    flat = np.zeros((3, 256), np.uint16)
    palette = _made(PIXELS[..., 0], photometric="palette", colormap=flat)
    planes = _made(np.ascontiguousarray(PIXELS.transpose(2, 0, 1)), planarconfig="separate")
    halves = _made((PIXELS / 255).astype(np.float16))
    assert [lost(photo.read(data), "tiff") for data in (palette, planes, halves)] == [
        ("its palette (it becomes RGB)",),
        ("its separate planes",),
        ("its half floats (they become 32-bit floats)",),
    ]


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        ((259, 50000), "ZSTD compression"),
        ((259, 34887), "LERC compression"),
        ((259, 50002), "JPEG XL compression"),
        ((259, 34925), "LZMA compression"),
        ((259, 50013), "Compression scheme 50013"),
        ((258, 12), "samples of 12 bit"),
        ((339, 5), "complex samples of 8 bit"),
        ((262, 32803), "a sensor's mosaic"),
    ],
)
def test_a_valid_file_that_cannot_be_read_is_not_called_damaged(
    patch: tuple[int, int], why: str
) -> None:
    file = io.BytesIO(_made(PIXELS[..., 0], photometric="minisblack"))
    tag, value = patch
    tiff_tags.append_tags(file, {}, {tag: (3, 1, struct.pack("<H", value))})
    with pytest.raises(UnknownFormatError, match=f"not supported .*{why}.*; (save|convert) it"):
        photo.read(file.getvalue())


def _made(pixels: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **{"photometric": "rgb", "metadata": None, **options})
    return file.getvalue()


def _again(data: bytes) -> bytes:
    read = photo.read(data)
    assert lost(read, "tiff") == ()
    return photo.encode(read, read.pixels)


def _page(data: bytes) -> Any:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return file.pages[0]


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_there_is_not_is_upright(orientation: int) -> None:
    read = photo.read(_made(PIXELS, extratags=[(274, 3, 1, orientation, True)]))
    assert np.array_equal(read.pixels, PIXELS)
    assert _page(photo.encode(read, read.pixels)).tags[274].value == 1


@pytest.mark.parametrize("kind", [4, 7])
@pytest.mark.parametrize("order", ["<", ">"])
def test_iptc_is_bytes_whatever_its_type_and_the_order(kind: int, order: str) -> None:
    records = fidelity.IPTC.ljust(-(-len(fidelity.IPTC) // 4) * 4, b"\0")
    count = len(records) // (4 if kind == 4 else 1)
    stored = struct.unpack(f"{order}{count}I", records) if kind == 4 else records
    data = _made(PIXELS, byteorder=order, extratags=[(33723, kind, count, stored, True)])
    read = photo.read(data)
    assert bytes(_page(photo.encode(read, read.pixels)).tags[33723].value) == records
    assert records in photo.encode(read, read.pixels, "jpeg")


@pytest.mark.parametrize("text", ["Größe", "日本語の写真"])
def test_a_comment_of_a_big_endian_file_is_turned_with_the_file(text: str) -> None:
    comment = b"UNICODE\0" + text.encode("utf-16-be")
    block = b"MM\0*" + struct.pack(">IHHHII", 8, 1, 0x8769, 4, 1, 26) + bytes(4)
    block += struct.pack(">HHHII", 1, 0x9286, 7, len(comment), 44) + bytes(4) + comment
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, "PNG", exif=block)
    read = photo.read(data.getvalue())
    written = photo.encode(read, read.pixels, "tiff")
    assert b"UNICODE\0" + text.encode("utf-16-le") in written
    assert comment not in written


def test_a_place_on_the_map_is_dropped_with_a_turn() -> None:
    tags = [(33550, 12, 3, (1.0, 1.0, 0.0), True), (33922, 12, 6, (0.0,) * 6, True)]
    for orientation in (1, 6):
        read = photo.read(_made(PIXELS, extratags=[*tags, (274, 3, 1, orientation, True)]))
        found = _page(photo.encode(read, read.pixels)).tags
        there = orientation == 1
        assert (33550 in found, 33922 in found) == (there, there)
        assert lost(read, "tiff") == (() if there else ("its place on the map (GeoTIFF)",))
        assert (b"\x0e\x83" in read.origin.exif) is there


def test_further_samples_keep_their_meaning_and_lab_its_numbers() -> None:
    five = np.dstack([255 - PIXELS, PIXELS[..., :2]])
    data = _made(five, photometric="separated", extrasamples=["unspecified"])
    assert _page(_again(data)).tags[338].value == (0,)
    data = _made(PIXELS, photometric="minisblack", planarconfig="contig", extrasamples=[0, 0])
    assert _page(_again(data)).tags[338].value == (0, 0)
    data = _made(PIXELS.astype(np.uint16) * 257, photometric="cielab")
    with tifffile.TiffFile(io.BytesIO(_again(data))) as file:
        assert file.asarray().dtype == np.uint16


def test_a_profile_of_other_colours_comes_back() -> None:
    data = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile[:16] + b"GRAY" + profile[20:]
    Image.fromarray(PIXELS).save(data, "TIFF", icc_profile=profile)
    read = photo.read(data.getvalue())
    for kind in ("tiff", "jpeg", "png", "webp", "avif"):
        made = Image.open(io.BytesIO(photo.encode(read, read.pixels, kind)))
        assert made.info["icc_profile"] == profile
