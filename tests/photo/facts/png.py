"""What a PNG can carry: each kind of chunk (PNG, third edition, section 11)."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from tests.photo import fidelity
from tests.photo.facts import CARRIED, CHANGED, PIXELS, REFUSED, SAID, Fact, opened

SIGNATURE = b"\x89PNG\r\n\x1a\n"
EXIF = fidelity.exif()
TURNED = fidelity.exif(6)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    *added: tuple[bytes, bytes],
    late: tuple[tuple[bytes, bytes], ...] = (),
    end: bytes = b"",
    image: Image.Image | None = None,
) -> bytes:
    """A small file with chunks behind its header, others behind its pixels, bytes at its end."""
    data = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(data, "PNG")
    plain = data.getvalue()
    start = b"".join(chunk(*one) for one in added)
    rest = b"".join(chunk(*one) for one in late)
    return plain[:33] + start + plain[33:-12] + rest + plain[-12:] + end


def checked(data: bytes) -> bytes:
    """A PNG with right check sums, as far as its chunks are intact."""
    out, at = data[:8], 8
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if len(body) < length:
            break
        out += chunk(name, body)
        at += 12 + length
    return out + data[at:]


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(data) and (not found or found[-1][0] != b"IEND"):
        length, name = struct.unpack_from(">I4s", data, at)
        found.append((name, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def of(*names: bytes) -> Callable[[bytes], list[Any]]:
    return lambda data: [one for one in chunks(data) if one[0] in names]


def facts() -> list[Fact]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    simple = {
        "gamma (gAMA)": (b"gAMA", struct.pack(">I", 55555)),
        "primaries (cHRM)": (
            b"cHRM",
            struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000),
        ),
        "rendering intent of sRGB (sRGB)": (b"sRGB", b"\1"),
        "ICC profile (iCCP)": (b"iCCP", b"name\0\0" + zlib.compress(profile)),
        "code points of colours (cICP)": (b"cICP", bytes((9, 16, 0, 1))),
        "display of the mastering (mDCV)": (b"mDCV", struct.pack(">8H2I", *range(1, 9), 10, 1)),
        "light levels (cLLI)": (b"cLLI", struct.pack(">II", 10_000_000, 4_000_000)),
        "significant bits (sBIT)": (b"sBIT", b"\5\6\5"),
        "background (bKGD)": (b"bKGD", struct.pack(">3H", 1, 2, 3)),
        "suggested palette (sPLT)": (b"sPLT", b"p\0\x08" + bytes(6)),
        "suggested palette (PLTE)": (b"PLTE", bytes(range(48))),
        "resolution (pHYs)": (b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
        "aspect of pixels (pHYs)": (b"pHYs", struct.pack(">IIB", 2, 1, 0)),
        "time of change (tIME)": (b"tIME", struct.pack(">HBBBBB", 2020, 1, 2, 3, 4, 5)),
        "text of Latin-1 (tEXt)": (b"tEXt", "Author\0J\u00fcrgen".encode("latin-1")),
        "compressed text (zTXt)": (
            b"zTXt",
            b"Comment\0\0" + zlib.compress("\u00e9".encode("latin-1")),
        ),
        "text of UTF-8 (iTXt)": (b"iTXt", "Title\0\0\0ja\0\u984c\0\u5199\u771f".encode()),
        "XMP (iTXt)": (b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + fidelity.XMP),
        "EXIF (eXIf)": (b"eXIf", EXIF),
        "EXIF in a text (Raw profile type exif)": (b"zTXt", raw(b"exif", b"Exif\0\0" + EXIF)),
        "IPTC in a text (Raw profile type iptc)": (b"zTXt", raw(b"iptc", fidelity.IPTC)),
        "offset (oFFs)": (b"oFFs", struct.pack(">iiB", 3, -4, 0)),
        "calibration (pCAL)": (
            b"pCAL",
            b"c\0" + struct.pack(">iiBB", 0, 255, 0, 2) + b"m\x000\x001",
        ),
        "physical scale (sCAL)": (b"sCAL", b"\x010.5\x000.25"),
        "stereo (sTER)": (b"sTER", b"\0"),
        "an unknown chunk that may be copied (abCd)": (b"abCd", b"private"),
    }
    found = [Fact("PNG", what, lambda c=c: png(c), of(c[0]), CARRIED) for what, c in simple.items()]
    texts = tuple((b"tEXt", f"k{n:03}\0value {n}".encode()) for n in range(102))
    single = ((b"acTL", struct.pack(">II", 1, 0)), (b"fcTL", _frame(0)))

    def add(what: str, data: bytes, seen: Any, fate: Any, new: Any = None) -> Fact:
        return Fact("PNG", what, lambda: data, seen, fate, new)

    return [
        *found,
        add("102 texts", png(*texts), of(b"tEXt"), CARRIED),
        add("text behind the pixels", png(late=((b"tEXt", b"late\0text"),)), _late, CARRIED),
        add("histogram of a palette (hIST)", _histogram(), lambda d: len(of(b"hIST")(d)), CARRIED),
        add("colour key (tRNS of RGB)", png((b"tRNS", _key())), _clear, CARRIED),
        add("transparency of a palette (tRNS)", png(image=_palette()), _alpha, CARRIED),
        add(
            "EXIF: orientation",
            png((b"eXIf", TURNED)),
            lambda d: opened(d).getexif()[0x112],
            CHANGED,
            1,
        ),
        add(
            "aspect of pixels of a turned photo",
            png((b"eXIf", TURNED), (b"pHYs", struct.pack(">IIB", 2, 1, 0))),
            of(b"pHYs"),
            CHANGED,
            [(b"pHYs", struct.pack(">IIB", 1, 2, 0))],
        ),
        add(
            "offset of a turned photo",
            png((b"eXIf", TURNED), (b"oFFs", bytes(9))),
            of(b"oFFs"),
            SAID,
        ),
        add("Apple's split of the data (iDOT)", png((b"iDOT", bytes(28))), of(b"iDOT"), CHANGED),
        add("animation of one frame (acTL, fcTL)", png(*single), of(b"acTL", b"fcTL"), CHANGED),
        add("animation (acTL, fcTL, fdAT)", _animated(), of(b"acTL"), REFUSED),
        add("content credentials (caBX)", png((b"caBX", b"jumbf")), of(b"caBX"), SAID),
        add(
            "an unknown chunk that may not be copied (abCD)",
            png((b"abCD", b"x")),
            of(b"abCD"),
            SAID,
        ),
        add("an unknown critical chunk (ABCD)", png((b"ABCD", b"x")), of(b"ABCD"), REFUSED),
        add("Apple's own kind (CgBI)", _apple(), of(b"CgBI"), REFUSED),
        add("a chunk whose checksum is wrong", _damaged(), of(b"tEXt"), SAID),
        add(
            "data behind the end", png(end=b"a trailer"), lambda d: d[d.index(b"IEND") + 8 :], SAID
        ),
    ]


def raw(kind: bytes, data: bytes) -> bytes:
    text = b"\n" + kind + f"\n{len(data):8}\n".encode() + data.hex().encode() + b"\n"
    return b"Raw profile type " + kind + b"\0\0" + zlib.compress(text)


def _late(data: bytes) -> list[Any]:
    names = [name for name, _ in chunks(data)]
    return [one for one in chunks(data)[names.index(b"IDAT") :] if one[0] == b"tEXt"]


def _key() -> bytes:
    return struct.pack(">3H", *map(int, PIXELS[20, 30]))


def _clear(data: bytes) -> int:
    """The number of transparent pixels; the test's other pixels are as transparent."""
    return int((np.array(_alpha(data)) == 0).sum())


def _alpha(data: bytes) -> list[Any]:
    return np.asarray(opened(data).convert("RGBA"))[..., 3].tolist()


def _palette() -> Image.Image:
    few = fidelity.picture(4)[:32, :48] // 64 * 85
    return Image.fromarray(few).quantize(64, Image.Quantize.FASTOCTREE)


def _histogram() -> bytes:
    image = Image.fromarray(PIXELS // 128 * 255).quantize(8)
    data = io.BytesIO()
    image.save(data, "PNG")
    counts = image.histogram()[: len(image.getpalette() or []) // 3]
    plain = data.getvalue()
    at = plain.index(b"IDAT") - 4
    return plain[:at] + chunk(b"hIST", struct.pack(f">{len(counts)}H", *counts)) + plain[at:]


def _frame(number: int) -> bytes:
    return struct.pack(">5I2H2B", number, 48, 32, 0, 0, 1, 10, 0, 0)


def _animated() -> bytes:
    data = io.BytesIO()
    frames = [Image.fromarray(np.roll(PIXELS, n, axis=1)) for n in range(3)]
    frames[0].save(data, "PNG", save_all=True, append_images=frames[1:], duration=50)
    return data.getvalue()


def _apple() -> bytes:
    plain = png()
    return plain[:8] + chunk(b"CgBI", bytes(4)) + plain[8:]


def _damaged() -> bytes:
    return png((b"tEXt", b"Author\0Ada")).replace(b"Author\0Ada", b"Author\0Eve")
