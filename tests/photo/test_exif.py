"""EXIF agrees with the picture that has been set upright, however it states its orientation."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.photo import fidelity
from tests.photo.jpegs import APP1, packet, picture, with_xmp
from unblur import photo
from unblur.photo import photoshop, png, tiff_tags
from unblur.photo.jpeg_segments import APP13

CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
WIDTH, HEIGHT = 24, 16


def block(order: str, kind: int, orientation: int, thumbnail: bool) -> bytes:
    """EXIF of an orientation, in its first directory and in that of a thumbnail."""
    value = struct.pack(order + CODES[kind], orientation).ljust(4, b"\0")
    entry = struct.pack(order + "HHI", 0x112, kind, 1) + value
    make = struct.pack(order + "HHI4s", 0x10F, 2, 4, b"Ada\0")
    one = struct.pack(order + "H", 2) + make + entry
    two = struct.pack(order + "H", 1) + entry + bytes(4)
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    return head + one + struct.pack(order + "I", (8 + len(one) + 4) * thumbnail) + two


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("thumbnail", [False, True])
def test_an_orientation_of_any_integer_type_is_reset(
    order: str, kind: int, thumbnail: bool
) -> None:
    exif = block(order, kind, 6, thumbnail)
    plain = io.BytesIO()
    Image.open(io.BytesIO(picture([]))).save(plain, "png")
    chunk = bytes(png.exif_chunk(exif)[0])
    of_png = plain.getvalue()[: png.HEAD] + chunk + plain.getvalue()[png.HEAD :]
    for data in (picture([(APP1, b"Exif\0\0" + exif)]), of_png):
        read = photo.read(data)
        assert (read.width, read.height) == (HEIGHT, WIDTH)
        assert read.pixels[:10, 10:].min() > 150  # bright was the upper left
        made = photo.encode(read, read.pixels)
        tags = Image.open(io.BytesIO(made)).getexif()
        assert (tags[0x112], tags[0x10F]) == (1, "Ada")
        assert not tags.get_ifd(1)
        assert photo.read(made).width == HEIGHT
        assert not thumbnail or exif[-16:-4] not in made


def test_an_orientation_that_was_not_applied_stays() -> None:
    exif = Image.Exif()
    exif[0x10F] = "Ada"
    before = with_xmp(packet("", 'tiff:Orientation="6"'))
    read = photo.read(picture([(APP1, exif.tobytes()), *before]))
    assert b'Orientation="6"' in read.origin.header.get("xmp-data")


def turned_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x112] = orientation
    exif[0x11A], exif[0x11B] = 72.0, 36.0
    camera = {0xA002: WIDTH, 0xA003: HEIGHT, 0x9214: (4, 5, 2, 1), 0xA214: (4, 5)}
    exif.get_ifd(0x8769).update(camera | {0xA20E: 9.0, 0xA20F: 7.0})
    return exif


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_sizes_and_places_turn_with_the_picture(kind: str, orientation: int) -> None:
    file = io.BytesIO()
    exif = turned_exif(orientation).tobytes()
    if kind == "jpeg":
        file.write(picture([(APP1, exif)]))
    else:
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        tag = [(274, 3, 1, orientation, True)]
        tifffile.imwrite(file, pixels, photometric="rgb", extratags=tag, metadata=None)
        tiff_tags.append_tags(file, tiff_tags.read_tags(io.BytesIO(exif[6:])))
    read = photo.read(file.getvalue())
    made = photo.encode(read, read.pixels)
    camera: dict[int, Any] = Image.open(io.BytesIO(made)).getexif().get_ifd(0x8769)
    assert (camera[0xA002], camera[0xA003]) == (read.width, read.height)
    sides = (1, 2) if orientation >= 5 else (2, 1)
    place = {1: (4, 5), 3: (19, 10), 6: (10, 4), 8: (5, 19)}[orientation]
    assert tuple(camera[0x9214]) == (*place, *sides)
    assert tuple(camera[0xA214]) == place
    plane = (camera[0xA20E], camera[0xA20F])
    assert plane == ((7, 9) if orientation >= 5 else (9, 7))
    if kind == "jpeg":
        tags = Image.open(io.BytesIO(made)).getexif()
        wanted = (36, 72) if orientation >= 5 else (72, 36)
        assert (tags[0x11A], tags[0x11B]) == wanted


def test_resolutions_turn_with_a_tiff() -> None:
    file = io.BytesIO()
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    tags = [(274, 3, 1, 6, True)]
    tifffile.imwrite(file, pixels, photometric="rgb", resolution=(300, 150), extratags=tags)
    read = photo.read(file.getvalue())
    with tifffile.TiffFile(io.BytesIO(photo.encode(read, read.pixels))) as made:
        page: Any = made.pages[0]
        found = [page.tags[tag].value[0] / page.tags[tag].value[1] for tag in (282, 283)]
        ratio = found[0] / found[1]
    assert ratio == pytest.approx(0.5, rel=0.01)


def test_what_photoshop_has_a_second_time_agrees() -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    said = packet("", 'tiff:Orientation="6"')
    resources = photoshop.resource(photoshop.EXIF, exif.tobytes()[6:])
    resources += photoshop.resource(photoshop.XMP, said) + photoshop.resource(2000, b"a path")
    segments = [(APP1, exif.tobytes()), (APP13, photoshop.HEAD + resources)]
    read = photo.read(picture(segments))
    assert read.origin.dropped == ("Photoshop's paths, guides and slices",)
    made = Image.open(io.BytesIO(photo.encode(read, read.pixels)))
    found: dict[int, bytes] = dict(made.info["photoshop"])
    assert b'Orientation="1"' in found[photoshop.XMP]
    inner = Image.Exif()
    inner.load(found[photoshop.EXIF])
    assert inner[0x112] == 1


@pytest.mark.parametrize("kind", ["heif", "avif"])
def test_what_a_reader_has_turned_is_reset(kind: str) -> None:
    """AVIF and HEIC turn by their own transformations, which EXIF and XMP repeat."""
    heif = pytest.importorskip("pillow_heif")
    said = packet("", 'tiff:Orientation="6" tiff:ImageWidth="120" tiff:ImageLength="96"')
    data = io.BytesIO()
    pixels = fidelity.picture(3)
    if kind == "heif":
        file = heif.from_bytes("RGB", (120, 96), pixels.tobytes())
        file.save(data, quality=90, exif=b"Exif\0\0" + fidelity.exif(6), xmp=said)
    else:
        exif = Image.Exif()
        exif[0x112] = 6
        Image.fromarray(pixels).save(data, "avif", exif=exif.tobytes(), xmp=said)
    read = photo.read(data.getvalue())
    assert (read.width, read.height) == (96, 120)
    xmp = read.origin.header.get("xmp-data")
    for wanted in (b'Orientation="1"', b'ImageWidth="96"', b'ImageLength="120"'):
        assert wanted in xmp
    tags = tiff_tags.read_tags(io.BytesIO(read.origin.exif.removeprefix(b"Exif\0\0")))
    assert tiff_tags.number(tags, 0x112, 1) == 1


def _note(at: int, order: str, head: bytes = b"", relative: bool = False) -> bytes:
    """A maker's note with two texts, whose offsets count from the block's start or its own."""
    texts = {6: b"a camera of Ada's", 7: b"firmware 1.0"}
    place = len(head) + 2 + 12 * len(texts) + 4
    entries, behind = b"", b""
    for tag, text in texts.items():
        offset = place + len(behind) + (0 if relative else at)
        entries += struct.pack(order + "HHII", tag, 2, len(text), offset)
        behind += text
    footer = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    return head + struct.pack(order + "H", len(texts)) + entries + bytes(4) + behind + footer


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("head", [b"", b"Panasonic\0\0\0", b"FUJIFILM\x0c\0\0\0"])
def test_a_makers_note_finds_its_values_at_its_new_place(order: str, head: bytes) -> None:
    relative = head.startswith(b"FUJI")
    at = 44  # header, one entry, the directory below, one entry
    note = _note(at, order, head, relative)
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    block += struct.pack(order + "HHHIII", 1, 0x8769, 4, 1, 26, 0)
    block += struct.pack(order + "HHHIII", 1, 0x927C, 7, len(note), at, 0) + note
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG", exif=b"Exif\0\0" + block)
    data = file.getvalue()
    for kind in ("tiff", "tiff", "png"):
        read = photo.read(data)
        data = photo.encode(read, 255 - read.pixels, kind)
        whole = data if kind == "tiff" else photo.read(data).origin.exif
        place = whole.index(head + note[len(head) : len(head) + 2] + note[len(head) + 2 :][:8])
        assert place != at or kind == "png"
        assert whole[place : place + len(note)] == _note(place, order, head, relative)[:-4] + (
            struct.pack(order + "I", at if relative else place)
        )


def test_a_block_behind_an_odd_byte_is_read_and_written_behind_a_zero() -> None:
    tags = Image.Exif()
    tags[0x112], tags[0x10F] = 6, "Ada"
    pixels = fidelity.picture(3)[:16, :24]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, exif=tags)
    data = file.getvalue().replace(b"Exif\0\0", b"Exif\0\xff", 1)
    read = photo.read(data)
    assert (read.width, read.height) == (16, 24)
    for kind in ("jpeg", "png", "tiff"):
        again: Any = Image.open(io.BytesIO(photo.encode(read, read.pixels, kind)))
        found = again.getexif()
        assert (found[0x112], found[0x10F]) == (1, "Ada")


def test_sizes_below_exif_are_turned_in_a_tiff() -> None:
    tags: tiff_tags.Tags = {
        0x1001: (4, 1, struct.pack("<I", 24)),
        0x1002: (4, 1, struct.pack("<I", 16)),
    }
    below: tiff_tags.Tags = {tiff_tags.INTEROPERABILITY: (4, 1, tags)}
    file = io.BytesIO()
    Image.fromarray(fidelity.picture(3)[:16, :24]).save(file, "TIFF", tiffinfo={0x112: 8})
    tiff_tags.append_tags(file, {tiff_tags.EXIF: (4, 1, below)})
    read = photo.read(file.getvalue())
    again: Any = Image.open(io.BytesIO(photo.encode(read, read.pixels)))
    assert again.getexif().get_ifd(0xA005) == {0x1001: 16, 0x1002: 24}
