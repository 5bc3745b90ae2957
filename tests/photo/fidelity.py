"""Photos of every kind, written, read, written again unchanged: what comes back."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvips
import tifffile

from unblur import photo
from unblur.photo import iptc, jpeg, png, png_palette, tiff_tags, webp

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>1</a></x:xmpmeta>'
IPTC = b"\x1c\x02\x05\x00\x05Title"
MAKERNOTE = b"Maker\0" + bytes(range(200))
FLOOR = 45.0
"""dB that a lossy format's second generation keeps."""


@dataclass(frozen=True)
class Case:
    """One kind of photo. `lossy`: its pixels come back with at least `FLOOR` dB, else exactly."""

    format: str
    mode: str
    data: Callable[[], bytes]
    lossy: bool = False

    @property
    def name(self) -> str:
        return f"{self.format} {self.mode}"


@dataclass(frozen=True)
class Row:
    """What came back: dB of the pixels (inf: every one), and a word for each kind of tag."""

    psnr: float
    same: dict[str, bool | None]


def picture(channels: int, dtype: type = np.uint8) -> np.ndarray:
    """(h, w, c) with texture, a hard coloured edge, and an alpha with holes."""
    y, x = np.mgrid[:96, :120]
    waves = [np.sin(x / 3 + k) * np.cos(y / (2 + k)) * 60 + 128 for k in range(3)]
    colour = np.stack(waves, axis=-1)
    colour[30:60, 40:80] = (250, 20, 90)
    alpha = (x * 3 - 40).clip(0, 255)[..., None]
    whole = np.concatenate([colour, alpha], axis=2)
    whole = whole[..., {1: [0], 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]]
    if dtype is np.float32:
        return (whole / 200 - 0.1).astype(np.float32)
    return (whole * (np.iinfo(dtype).max / 255)).astype(dtype)


def exif(orientation: int = 1) -> bytes:
    """An EXIF block with a maker's note, a rating, GPS and a tag that nobody knows."""

    def entry(kind: int, value: bytes, size: int) -> tuple[int, int, bytes]:
        return kind, len(value) // size, value

    camera: tiff_tags.Tags = {
        0x829A: entry(5, struct.pack("<II", 1, 60), 8),
        0x9003: entry(2, b"2020:01:02 03:04:05\0", 1),
        0x927C: entry(7, MAKERNOTE, 1),
        0x9286: entry(7, b"UNICODE\0h\0i\0", 1),
    }
    place: tiff_tags.Tags = {
        1: entry(2, b"N\0", 1),
        2: entry(5, struct.pack("<6I", 51, 1, 30, 1, 1234, 100), 8),
    }
    main: tiff_tags.Tags = {
        0x10F: entry(2, b"Ada\0", 1),
        0x112: entry(3, struct.pack("<H", orientation), 2),
        0x4746: entry(3, struct.pack("<H", 4), 2),
        0xC999: entry(4, struct.pack("<II", 7, 8), 4),
        0x8769: (4, 1, camera),
        0x8825: (4, 1, place),
    }
    return b"II*\0\x08\0\0\0" + tiff_tags.directory(main, 8, big=False)


def cases() -> list[Case]:
    names = {1: "grey", 2: "grey + alpha", 3: "RGB", 4: "RGBA"}
    found: list[Case] = []

    def add(kind: str, mode: str, data: Callable[[], bytes], lossy: bool = False) -> None:
        found.append(Case(kind, mode, data, lossy))

    def vips(kind: str, pixels: np.ndarray, **options: Any) -> Callable[[], bytes]:
        return lambda: _dressed(_image(pixels), kind, **options)

    for channels, name in names.items():
        for dtype, depth in ((np.uint8, "8 bit"), (np.uint16, "16 bit")):
            add("PNG", f"{name}, {depth}", vips("png", picture(channels, dtype)))
            add("TIFF", f"{name}, {depth}", vips("tiff", picture(channels, dtype)))
        add("TIFF", f"{name}, float", vips("tiff", picture(channels, np.float32)))
    for options in (
        {"compression": "lzw", "tile": True, "tile_width": 64, "tile_height": 64},
        {"compression": "deflate", "predictor": "horizontal"},
        {"compression": "packbits", "bigtiff": True},
    ):
        add("TIFF", f"RGB, {options['compression']}", vips("tiff", picture(3), **options))
    add("TIFF", "RGB, JPEG inside", vips("tiff", picture(3), compression="jpeg", Q=90), lossy=True)
    add("TIFF", "CMYK, 8 bit", lambda: _dressed(_cmyk(), "tiff", profile=False))
    add("TIFF", "white is 0, 8 bit", lambda: _tiff(picture(1)[..., 0], "miniswhite"))
    add("TIFF", "white is 0, 1 bit", lambda: _tiff(picture(1)[..., 0] > 120, "miniswhite"))
    add("TIFF", "RGB, 32-bit whole numbers", lambda: _tiff(picture(3, np.uint32), "rgb"))
    for bits in (1, 2, 4):
        grey = picture(1) >> (8 - bits)
        full = (grey * (255 // (2**bits - 1))).astype(np.uint8)
        add("PNG", f"grey, {bits} bit", vips("png", full, bitdepth=bits))
    for channels in (3, 4):
        few = picture(channels) // 64 * 85
        add("PNG", f"palette of {names[channels]}", lambda few=few: _palette_png(few))
    flat = picture(4) // 64 * 85
    flat[..., 3] = 255
    flat[:20, :20] = 0
    add("GIF", "palette with holes", lambda: _dressed(_image(flat), "gif", dither=0))
    for sub in ("on", "off"):
        what = "4:2:0" if sub == "on" else "4:4:4"
        mode = f"RGB, quality 85, {what}"
        add("JPEG", mode, vips("jpeg", picture(3), Q=85, subsample_mode=sub), lossy=True)
    add("JPEG", "RGB, progressive", vips("jpeg", picture(3), interlace=True), lossy=True)
    add("JPEG", "grey", vips("jpeg", picture(1)), lossy=True)
    add("JPEG", "CMYK", lambda: _dressed(_cmyk(), "jpeg", profile=False), lossy=True)
    for channels in (3, 4):
        name = names[channels]
        add("WebP", f"{name}, lossy", vips("webp", picture(channels)), lossy=True)
        add("WebP", f"{name}, lossless", vips("webp", picture(channels), lossless=True, exact=True))
    avif = {"compression": "av1", "effort": 2}
    add("AVIF", "RGB, 8 bit", vips("avif", picture(3), **avif), lossy=True)
    add("AVIF", "RGB, 10 bit", vips("avif", picture(3, np.uint16), bitdepth=10, **avif), lossy=True)
    add("AVIF", "RGBA, 8 bit", vips("avif", picture(4), lossless=True, **avif))
    return found


def measure(case: Case) -> Row:
    """Reads the case's photo, writes the very pixels read, and compares the two files."""
    first = case.data()
    before = photo.read(first)
    second = photo.encode(before, before.pixels)
    after = photo.read(second)
    one, two = before.pixels, after.pixels
    same: dict[str, bool | None] = {"mode": _mode(first) == _mode(second)}
    for name in ("icc-profile-data", "xmp-data", "iptc-data"):
        same[name.split("-")[0]] = _equal(_field(before, name), _field(after, name))
    known, kept = _exif(before), _exif(after)
    same["exif"] = None if not known else all(kept.get(key) == known[key] for key in known)
    sizes = (before.origin.header.xres, before.origin.header.yres)
    again = (after.origin.header.xres, after.origin.header.yres)
    same["resolution"] = None if sizes == (1, 1) else bool(np.allclose(sizes, again, rtol=0.01))
    return Row(psnr(one, two), same)


def psnr(one: np.ndarray, two: np.ndarray) -> float:
    if one.shape != two.shape or one.dtype != two.dtype:
        return 0.0
    if np.array_equal(one, two):
        return float("inf")
    peak = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[str(one.dtype)]
    return float(10 * np.log10(peak**2 / ((one.astype(float) - two) ** 2).mean()))


def table() -> str:
    """A line for each kind of photo."""
    words = {True: "kept", False: "**lost**", None: "-"}
    rows = []
    for case in cases():
        row = measure(case)
        pixels = "exact" if row.psnr == float("inf") else f"{row.psnr:.1f} dB"
        kept = " | ".join(words[value] for value in row.same.values())
        rows.append(f"| {case.format} | {case.mode} | {pixels} | {kept} |\n")
    return "".join(rows)


def _image(pixels: np.ndarray) -> Any:
    deep = {"uint8": 0, "uint16": 1}.get(str(pixels.dtype), 2)
    names = (("b-w", "srgb"), ("grey16", "rgb16"), ("b-w", "scrgb"))[deep]
    return pyvips.Image.new_from_array(
        np.ascontiguousarray(pixels), interpretation=names[pixels.shape[2] > 2]
    )


def _cmyk() -> Any:
    return pyvips.Image.new_from_array(picture(4), interpretation="cmyk")


def _dressed(image: Any, kind: str, profile: bool = True, **options: Any) -> bytes:
    """The file with EXIF, XMP, IPTC, a wide-gamut profile and 300 dpi."""
    image = image.copy(xres=300 / 25.4, yres=300 / 25.4)
    blob = pyvips.GValue.blob_type
    image.set_type(blob, "xmp-data", XMP)
    if kind == "jpeg":
        image.set_type(blob, "iptc-data", iptc.wrapped(IPTC))
        options["keep"] = 30  # all but EXIF, of which libvips would make a block of its own
    if profile and kind != "gif":
        small: Any = pyvips.Image.black(1, 1, bands=3)
        p3 = small.copy(interpretation="srgb").icc_export(output_profile="p3")
        image.set_type(blob, "icc-profile-data", p3.get("icc-profile-data"))
    suffix = "heif" if kind == "avif" else kind
    data = getattr(image, f"{suffix}save_buffer")(**options)
    if kind == "gif":
        return data
    return _with_exif(data, kind)


def _with_exif(data: bytes, kind: str) -> bytes:
    if kind == "jpeg":
        added = [(0xE0, jpeg._jfif(300 / 25.4, 300 / 25.4)), *jpeg.exif_segments(exif())]
        return jpeg.with_segments(data, [*added, (0xFE, b"a comment")])
    if kind == "png":
        return data[: png.HEAD] + bytes(png.exif_chunk(exif())[0]) + data[png.HEAD :]
    if kind == "webp":  # libvips has made a block, which is replaced
        alpha = pyvips.Image.webpload_buffer(data).hasalpha()
        return webp.with_chunks(data, (120, 96), alpha, {b"EXIF": exif()})
    if kind == "tiff":
        file = io.BytesIO(data)
        added = tiff_tags.read_tags(io.BytesIO(exif()))
        tiff_tags.append_tags(file, {**added, tiff_tags.IPTC: (7, len(IPTC), IPTC)})
        return file.getvalue()
    return data


def _tiff(pixels: np.ndarray, photometric: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, photometric=photometric, resolution=(300, 300), metadata=None)
    return file.getvalue()


def _palette_png(pixels: np.ndarray) -> bytes:
    return png_palette.with_palette(_dressed(_image(pixels), "png"), pixels, 1)


def _mode(data: bytes) -> tuple[Any, ...]:
    """What a file says of how its pixels lie."""
    if data[:2] in (b"II", b"MM"):
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page: Any = file.pages[0]
            tile = (page.tilewidth, page.tilelength) if page.is_tiled else ()
            parts = (page.photometric, page.compression, page.bitspersample, page.sampleformat)
            return (*parts, page.samplesperpixel, page.extrasamples, page.predictor, *tile)
    image: Any = pyvips.Image.new_from_buffer(data, "")
    fields = ("bits-per-sample", "palette", "interlaced", "heif-compression")
    found = [image.get(name) if image.get_typeof(name) else None for name in fields]
    # A GIF's transparent slot is there or not as its writer likes.
    bands = 3 if data[:3] == b"GIF" else image.bands
    found = found[1:] if data[:3] == b"GIF" else found
    return (image.format, image.interpretation, bands, *found)


def _field(read: photo.Photo, name: str) -> bytes | None:
    header = read.origin.header
    return header.get(name) if header.get_typeof(name) else None


def _equal(one: bytes | None, two: bytes | None) -> bool | None:
    return None if one is None else one == two


def _exif(read: photo.Photo) -> dict[tuple[int, int], Any]:
    found: dict[tuple[int, int], Any] = {}
    block = read.origin.exif.removeprefix(b"Exif\0\0")
    main = tiff_tags.read_tags(io.BytesIO(block)) if block else {}
    for tag, (kind, count, value) in main.items():
        if isinstance(value, dict):
            found |= {(tag, below): entry for below, entry in value.items()}
        else:
            found[0, tag] = (kind, count, value)
    return found
