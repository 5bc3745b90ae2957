"""A PNG's chunks: carried, adapted, refused, or dropped with a word."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from tests.photo import fidelity
from unblur import photo
from unblur.errors import PhotoError
from unblur.photo import iptc
from unblur.photo.png_text import profile
from unblur.photo.writing import lost

Chunks = list[tuple[bytes, bytes]]

TEXT: Chunks = [
    (b"iTXt", b"Title\0\0\0ja\0" + "題".encode() + b"\0" + "東京 café".encode()),
    (b"iTXt", b"Long\0\1\0\0\0" + zlib.compress(b"compressed " * 50)),
    (b"tEXt", b"Author\0Jos\xe9"),
    (b"zTXt", b"Comment\0\0" + zlib.compress(b"caf\xe9")),
    *((b"tEXt", b"k%d\0v" % i) for i in range(100)),
]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def chunks(data: bytes) -> Chunks:
    at, found = 8, []
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        found.append((name, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def without_pixels(data: bytes) -> Chunks:
    """The chunks in their order, and one IDAT for all."""
    found, before = [], b""
    for name, content in chunks(data):
        if name != b"IDAT" or before != b"IDAT":
            found.append((name, b"" if name == b"IDAT" else content))
        before = name
    return found


def png(pixels: Any, early: Chunks = (), late: Chunks = (), **options: Any) -> bytes:  # type: ignore
    """A file by Pillow with chunks before the palette or the pixels, and behind them."""
    file = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(file, "PNG", **options)
    data = file.getvalue()
    head, tail = (b"".join(chunk(*one) for one in these) for these in (early, late))
    return data[:33] + head + data[33:-12] + tail + data[-12:]


def again(data: bytes, kind: str | None = None) -> bytes:
    read = photo.read(data)
    return photo.encode(read, read.pixels, kind)


PIXELS = fidelity.picture(3)


def test_text_comes_back_byte_for_byte() -> None:
    data = png(PIXELS, TEXT[:50], TEXT[50:])
    back = again(data)
    assert without_pixels(back) == without_pixels(data)
    one, two = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(back))
    one.load()
    two.load()
    assert one.text == two.text  # type: ignore
    assert len(two.text) == 104  # type: ignore
    read = photo.read(data)
    assert lost(read, "png") == ()
    for kind in ("jpeg", "webp", "tiff", "avif", "gif"):
        assert lost(read, kind) == ("its text (Title, Long, Author and 101 more)",)


def test_known_chunks_come_back_byte_for_byte() -> None:
    early = [
        (b"gAMA", struct.pack(">I", 45455)),
        (b"cICP", bytes((9, 16, 0, 1))),
        (b"mDCV", bytes(range(24))),
        (b"mDCv", bytes(range(24))),
        (b"cLLI", struct.pack(">II", 10_000_000, 4_000_000)),
        (b"cLLi", struct.pack(">II", 10_000_000, 4_000_000)),
        (b"sBIT", bytes((5, 6, 5))),
        (b"iCCP", b"A name\0\0" + zlib.compress(_profile())),
        (b"pHYs", struct.pack(">IIB", 2834, 5669, 1)),
        (b"tIME", struct.pack(">HBBBBB", 2020, 1, 2, 3, 4, 5)),
        (b"oFFs", struct.pack(">iiB", -3, 4, 0)),
        (b"sCAL", b"\1" + b"0.5\0" + b"0.25"),
        (b"pCAL", b"x\0" + struct.pack(">iiBB", 0, 255, 0, 2) + b"m\0" + b"0\0" + b"1"),
        (b"sPLT", b"n\0\x08" + bytes((1, 2, 3, 255, 0, 9))),
        (b"sTER", b"\0"),
        (b"saFe", b"safe to copy"),
        (b"bKGD", struct.pack(">HHH", 1, 2, 3)),
    ]
    data = png(PIXELS, early, [(b"tEXt", b"Late\0v"), (b"laTe", b"")])
    assert without_pixels(again(data)) == without_pixels(data)
    assert lost(photo.read(data), "png") == ()
    said = lost(photo.read(data), "avif")
    assert {word.split()[-1] for word in said if "chunk" in word} == {
        *("bKGD", "sBIT", "sPLT", "oFFs", "pCAL", "sCAL", "sTER", "tIME", "saFe", "laTe")
    }


def test_a_resolution_is_not_made_up() -> None:
    assert b"pHYs" not in dict(chunks(again(png(PIXELS))))
    shape = png(PIXELS, [(b"pHYs", struct.pack(">IIB", 1, 2, 0))])
    assert without_pixels(again(shape)) == without_pixels(shape)
    assert lost(photo.read(shape), "tiff") == ("the aspect of its pixels (pHYs)",)


def test_chunks_of_samples_follow_the_kind_of_the_pixels() -> None:
    few = Image.fromarray(PIXELS // 64 * 85).quantize(200)
    ground = bytes([3])
    colour = few.getpalette()[9:12]  # type: ignore
    data = png(few, [(b"sBIT", bytes((5, 6, 5)))])
    at = data.index(b"IDAT") - 4
    data = data[:at] + chunk(b"bKGD", ground) + chunk(b"hIST", bytes(2 * 256)) + data[at:]
    read = photo.read(data)
    found = dict(chunks(photo.encode(read, read.pixels)))
    index = found[b"bKGD"][0]
    assert [*found[b"PLTE"][3 * index : 3 * index + 3]] == colour
    assert found[b"sBIT"] == bytes((5, 6, 5))
    assert len(found[b"hIST"]) == 2 * len(found[b"PLTE"]) // 3
    names = [name for name, _ in chunks(photo.encode(read, read.pixels))]
    assert names.index(b"sBIT") < names.index(b"PLTE") < names.index(b"bKGD") < names.index(b"IDAT")
    # Too many colours for a palette.
    found = dict(chunks(photo.encode(read, PIXELS)))
    assert found[b"IHDR"][9] == 2
    assert found[b"bKGD"] == bytes((0, colour[0], 0, colour[1], 0, colour[2]))
    assert found[b"sBIT"] == bytes((5, 6, 5))
    assert b"hIST" not in found
    # A colour key becomes alpha.
    keyed = png(PIXELS, [(b"sBIT", bytes((5, 6, 5)))], transparency=(250, 20, 90))
    assert dict(chunks(again(keyed)))[b"sBIT"] == bytes((5, 6, 5, 8))
    grey = png(Image.fromarray(PIXELS[..., 0] > 99), [(b"bKGD", b"\0\1")])
    assert dict(chunks(again(grey)))[b"bKGD"] == b"\0\1"
    grey = png(Image.fromarray(PIXELS[..., 0] > 99), [(b"bKGD", b"\0\1")], transparency=0)
    assert dict(chunks(again(grey)))[b"bKGD"] == b"\0\xff"


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_stay_where_the_new_levels_fit_and_become_eight_elsewhere(bits: int) -> None:
    step = 255 // (2**bits - 1)
    image: Any = pyvips.Image.new_from_array(PIXELS[..., 0] // step * step)
    read = photo.read(image.pngsave_buffer(bitdepth=bits))
    for pixels, depth in ((255 - read.pixels, bits), (read.pixels // 2 + 40, 8)):
        back = photo.encode(read, pixels)
        assert dict(chunks(back))[b"IHDR"][8] == depth
        assert np.array_equal(photo.read(back).pixels, pixels)


def test_an_interlaced_palette_stays_so() -> None:
    read = photo.read(png(Image.fromarray(PIXELS // 64 * 85).quantize(60)))
    read.origin.header.set_type(pyvips.GValue.gint_type, "interlaced", 1)
    for shape in ((96, 120), (1, 1), (3, 2), (5, 9)):
        pixels = read.pixels[: shape[0], : shape[1]]
        back = photo.encode(read, pixels)
        assert dict(chunks(back))[b"IHDR"][9:] == bytes((3, 0, 0, 1))
        assert np.array_equal(np.array(Image.open(io.BytesIO(back)).convert("RGB")), pixels)


def test_unknown_chunks() -> None:
    data = png(PIXELS, [(b"prIV", b"unsafe"), (b"caBX", b"jumb"), (b"iDOT", b"x")]) + b"trailer"
    read = photo.read(data)
    assert [word.split(",")[0] for word in lost(read, "png")] == [
        "its chunk prIV",
        "its content credentials (C2PA)",
        "the data behind its end",
    ]
    assert {name for name, _ in chunks(again(data))} == {b"IHDR", b"IDAT", b"IEND"}
    with pytest.raises(PhotoError, match=r"private chunk \(PRIv\)"):
        photo.read(png(PIXELS, [(b"PRIv", b"")]))
    apple = png(PIXELS)
    with pytest.raises(PhotoError, match=r"CgBI.*not supported"):
        photo.read(apple[:8] + chunk(b"CgBI", bytes(4)) + apple[8:])
    damaged = bytearray(png(PIXELS, [(b"tEXt", b"Author\0Ada")]))
    damaged[damaged.index(b"Ada")] ^= 1
    assert lost(photo.read(bytes(damaged)), "png") == ("its chunk tEXt, which is damaged",)


def test_animations_are_refused() -> None:
    frames = [Image.fromarray(np.roll(PIXELS, 9 * i, 1)) for i in range(3)]
    data = png(frames[0], save_all=True, append_images=frames[1:])
    assert b"acTL" in data
    with pytest.raises(PhotoError, match="animated or has several pictures"):
        photo.read(data)
    with pytest.raises(PhotoError, match="animated"):
        photo.read_size(data)
    control = struct.pack(">IIIIIHHBB", 0, 120, 96, 0, 0, 1, 5, 0, 0)
    single = png(PIXELS, [(b"acTL", struct.pack(">II", 1, 0)), (b"fcTL", control)])
    assert np.array_equal(photo.read(single).pixels, PIXELS)
    assert {name for name, _ in chunks(again(single))} == {b"IHDR", b"IDAT", b"IEND"}
    pixels = dict(chunks(single))[b"IDAT"]
    apart = png(
        PIXELS,
        [(b"acTL", struct.pack(">II", 1, 0))],
        [(b"fcTL", control), (b"fdAT", bytes(4) + pixels)],
    )
    with pytest.raises(PhotoError, match="animated"):
        photo.read(apart)


@pytest.mark.parametrize("where", ["early", "late", "text"])
def test_orientation_wherever_exif_lies(where: str) -> None:
    block = fidelity.exif(6)
    text = b"Raw profile type exif\0\0" + zlib.compress(profile(b"exif", b"Exif\0\0" + block))
    placed = (b"zTXt", text) if where == "text" else (b"eXIf", block)
    size = (b"pHYs", struct.pack(">IIB", 2000, 3000, 1))
    side = (b"oFFs", struct.pack(">iiB", 3, 4, 0))
    data = png(PIXELS, [size, side, *[placed] * (where != "late")], [placed] * (where == "late"))
    read = photo.read(data)
    assert (read.width, read.height) == (96, 120)
    back = photo.encode(read, read.pixels)
    tags = Image.open(io.BytesIO(back)).getexif()
    assert (tags[0x112], tags[0x10F]) == (1, "Ada")
    assert [n for n, _ in chunks(back)].count(b"eXIf") == (where != "text")
    assert dict(chunks(back))[b"pHYs"] == struct.pack(">IIB", 3000, 2000, 1)
    assert lost(read, "png") == ("its chunk oFFs, which is of the picture before its turn",)
    assert Image.open(io.BytesIO(photo.encode(read, read.pixels, "jpeg"))).getexif()[0x10F] == "Ada"


def test_xmp_and_iptc_in_text() -> None:
    head = b"XML:com.adobe.xmp\0\1\0en\0key\0"
    data = png(PIXELS, [], [(b"iTXt", head + zlib.compress(fidelity.XMP))])
    assert without_pixels(again(data)) == without_pixels(data)
    assert Image.open(io.BytesIO(again(data, "jpeg"))).info["xmp"] == fidelity.XMP
    read = photo.read(data)
    read.origin.header.set_type(pyvips.GValue.blob_type, "xmp-data", b"<new/>")
    made = dict(chunks(photo.encode(read, read.pixels)))[b"iTXt"]
    assert made.startswith(head)
    assert zlib.decompress(made[len(head) :]) == b"<new/>"
    resources = b"8BIM\x04\x0a\0\0\0\0\0\x02hi" + b"8BIM\x04\x04\0\0\0\0\0\x0a" + fidelity.IPTC
    text = b"Raw profile type 8bim\0\0" + zlib.compress(profile(b"8bim", resources))
    shop = png(PIXELS, [], [(b"zTXt", text)])
    read = photo.read(shop)
    assert iptc.bare(read.origin.header.get("iptc-data")) == fidelity.IPTC
    assert without_pixels(photo.encode(read, read.pixels)) == without_pixels(shop)
    cut = resources[14:]
    read.origin.header.set_type(pyvips.GValue.blob_type, "photoshop-data", cut)
    made = dict(chunks(photo.encode(read, read.pixels)))[b"zTXt"]
    assert zlib.decompress(made[23:]) == profile(b"8bim", cut)
    jpeg = next(case for case in fidelity.cases() if case.format == "JPEG").data()
    as_png = again(jpeg, "png")
    assert photo.read(as_png).origin.header.get("iptc-data").endswith(fidelity.IPTC)
    assert without_pixels(again(as_png)) == without_pixels(as_png)


def test_colours_are_said_or_refused() -> None:
    p3 = png(PIXELS, [(b"cICP", bytes((12, 13, 0, 1)))])
    assert Image.open(io.BytesIO(again(p3, "jpeg"))).info["icc_profile"]
    assert dict(chunks(again(again(p3, "avif"), "png")))[b"cICP"] == bytes((12, 13, 0, 1))
    hdr = photo.read(png(PIXELS, [(b"cICP", bytes((9, 18, 0, 1)))]))
    with pytest.raises(PhotoError, match=r"HDR colours \(HLG\), which JPEG cannot say"):
        photo.encode(hdr, hdr.pixels, "jpeg")
    narrow = photo.read(png(PIXELS, [(b"cICP", bytes((1, 13, 0, 0)))]))
    with pytest.raises(PhotoError, match="narrow range"):
        photo.encode(narrow, narrow.pixels, "webp")
    linear = photo.read(png(PIXELS, [(b"gAMA", struct.pack(">I", 100000))]))
    assert lost(linear, "jpeg") == ("the gamma and primaries of its colours (gAMA, cHRM)",)


def _profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        (b"iCCP", b"p\0\0no zlib", "its ICC profile"),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(2**26), 9), "its XMP"),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n  9\nzz"), "its EXIF"),
    ],
)
def test_what_cannot_be_unpacked_is_kept_or_said(name: bytes, data: bytes, what: str) -> None:
    read = photo.read(png(PIXELS, [(name, data)]))
    assert data in photo.encode(read, read.pixels)
    assert lost(read, "png") == ()
    assert lost(read, "tiff") == (f"{what}, which cannot be read",)
