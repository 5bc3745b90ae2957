"""What a TIFF can carry: each family of tags (TIFF 6.0, TechNotes of Adobe, GeoTIFF, EXIF)."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageCms

from tests.photo import fidelity
from tests.photo.facts import CARRIED, CHANGED, PIXELS, REFUSED, SAID, Fact, opened
from tests.photo.facts.jpeg_files import jpeg, resource

A, B, H, R, D, U = 2, 1, 3, 5, 12, 7


def tiff(*tags: tuple[int, int, int, Any], **options: Any) -> bytes:
    """A small file with more tags."""
    data = io.BytesIO()
    pixels = options.pop("pixels", PIXELS)
    options.setdefault("photometric", "rgb" if pixels.ndim == 3 else "minisblack")
    extra = [(tag, kind, count, value, True) for tag, kind, count, value in tags]
    tifffile.imwrite(data, pixels, metadata=None, extratags=extra, software=False, **options)
    return data.getvalue()


def tag(*numbers: int) -> Any:
    """The values of tags, by tifffile."""

    def seen(data: bytes) -> dict[int, Any]:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page: Any = file.pages[0]
            found = {n: page.tags[n].value for n in numbers if n in page.tags}
            return {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in found.items()}

    return seen


def text(tag: int, value: str) -> tuple[int, int, int, Any]:
    return tag, A, 0, value


def facts() -> list[Fact]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    thumb = resource(1036, bytes(28) + jpeg())
    resources = resource(4000, b"own!") + thumb
    families: dict[str, tuple[tuple[int, int, int, Any], ...]] = {
        "description, maker, artist, copyright (270, 271, 315, 33432)": (
            text(270, "a"),
            text(271, "Ada"),
            text(315, "B"),
            text(33432, "C"),
        ),
        "document's and page's name, host, time (269, 285, 306, 316)": (
            text(269, "d"),
            text(285, "p"),
            text(306, "2020:01:02 03:04:05"),
            text(316, "h"),
        ),
        "page number of one page (297)": ((297, H, 2, (0, 1)),),
        "position (286, 287)": ((286, R, 1, (3, 1)), (287, R, 1, (4, 1))),
        "halftone hints, transfer function, primaries (321, 301, 318, 319)": (
            (321, H, 2, (20, 200)),
            (301, H, 768, (*range(256),) * 3),
            (318, R, 2, (3127, 10000, 329, 1000)),
            (319, R, 6, (64, 100, 33, 100, 3, 10, 6, 10, 15, 100, 6, 100)),
        ),
        "XMP (700)": ((700, B, len(fidelity.XMP), fidelity.XMP),),
        "IPTC (33723)": ((33723, U, len(fidelity.IPTC), fidelity.IPTC),),
        "ICC profile (34675)": ((34675, U, len(profile), profile),),
        "GeoTIFF (33550, 33922, 34735, 34737)": (
            (33550, D, 3, (1.5, 2.5, 0.0)),
            (33922, D, 6, (0.0, 0.0, 0.0, 5.0, 6.0, 0.0)),
            (34735, H, 4, (1, 1, 0, 0)),
            (34737, A, 0, "WGS 84|"),
        ),
        "GDAL's metadata (42112, 42113)": (text(42112, "<GDALMetadata/>"), text(42113, "0")),
        "a private tag of 100 KB (65000)": ((65000, B, 100_000, bytes(range(250)) * 400),),
        "Windows' title (40091)": ((40091, B, 6, b"a\0b\0\0\0"),),
    }
    found = [
        Fact("TIFF", what, lambda t=t: tiff(*t), tag(*(n for n, *_ in t)), CARRIED)
        for what, t in families.items()
    ]

    def add(what: str, data: bytes, seen: Any, fate: Any, new: Any = None) -> Fact:
        return Fact("TIFF", what, lambda: data, seen, fate, new)

    half, rgba = np.float16(PIXELS / 255), fidelity.picture(4)[:32, :48]
    # Colours that are multiplied by alpha.
    rgba[..., :3] = rgba[..., :3] // 2 * (rgba[..., 3:] > 128)
    rgba[..., 3] = np.where(rgba[..., 3] > 128, 255, 0)
    return [
        *found,
        add("EXIF and GPS directories (34665, 34853)", _with_exif(), _directories, CARRIED),
        add("orientation (274)", tiff((274, H, 1, 6)), tag(274), CHANGED, {274: 1}),
        add("an orientation of 9 (274)", tiff((274, H, 1, 9)), tag(274), CHANGED, {274: 1}),
        add(
            "GeoTIFF of a turned photo",
            tiff((274, H, 1, 6), (33550, D, 3, (1.5, 2.5, 0.0)), (34735, H, 4, (1, 1, 0, 0))),
            tag(33550, 34735),
            SAID,
        ),
        add(
            "position of a turned photo",
            tiff((274, H, 1, 3), (286, R, 1, (3, 1)), (287, R, 1, (4, 1))),
            tag(286, 287),
            SAID,
        ),
        add(
            "an ink beside CMYK (338, 333)",
            tiff(
                text(333, "Cyan\0Magenta\0Yellow\0Black\0Gold"),
                pixels=np.dstack([255 - PIXELS, PIXELS[..., :2]]),
                photometric="separated",
                extrasamples=["unspecified"],
            ),
            tag(333, 338),
            CARRIED,
        ),
        add(
            "resolution and its unit (282, 283, 296)",
            tiff(resolution=(300, 300)),
            tag(282, 283, 296),
            CARRIED,
        ),
        add(
            "aspect of pixels (282, 283 without a unit)",
            tiff(resolution=((2, 1), (1, 1)), resolutionunit="NONE"),
            tag(282, 283, 296),
            CARRIED,
        ),
        add(
            "Photoshop's resources (34377)",
            tiff((34377, B, len(resources), resources)),
            lambda d: b"own!" in d,
            CARRIED,
        ),
        add(
            "Photoshop's thumbnail in them",
            tiff((34377, B, len(resources), resources)),
            lambda d: b"8BIM\x04\x0c" in d,
            CHANGED,
        ),
        add(
            "Photoshop's layers (37724)",
            tiff((37724, U, 40, b"Adobe Photoshop Document Data Block\0layr")),
            tag(37724),
            SAID,
        ),
        add(
            "premultiplied alpha (338)",
            tiff(pixels=rgba, extrasamples=["assocalpha"]),
            tag(338),
            CARRIED,
        ),
        add(
            "a channel that is no alpha (338)",
            tiff(pixels=rgba, extrasamples=["unspecified"]),
            tag(338),
            CARRIED,
        ),
        add(
            "palette (320)",
            tiff(
                pixels=PIXELS[..., 0],
                photometric="palette",
                colormap=np.arange(768, dtype=np.uint16).reshape(3, 256) * 85,
            ),
            tag(320),
            SAID,
        ),
        add(
            "separate planes (284)",
            tiff(pixels=np.moveaxis(PIXELS, 2, 0).copy(), planarconfig="separate"),
            lambda d: tag(284)(d).get(284) == 2,
            SAID,
        ),
        add(
            "half floats (258)", tiff(pixels=half), lambda d: tag(258)(d)[258] == (16, 16, 16), SAID
        ),
        add("thumbnail on a second page (254)", _pages(1), _several, SAID),
        add("mask on a second page (254)", _pages(4), _several, SAID),
        add("several pages", _pages(0), _several, REFUSED),
        add("smaller copies in SubIFDs (330)", _sub_directories(), tag(330), SAID),
        add("colours of YCbCr without JPEG (262)", _named(262, 6), tag(262), REFUSED),
        add("colours of LogLuv (262)", _named(262, 32845), tag(262), REFUSED),
        add("compression of ZSTD (259)", _named(259, 50000), tag(259), REFUSED),
        add(
            "a camera's raw picture (DNG, 50706)",
            tiff((50706, B, 4, b"\1\4\0\0")),
            tag(50706),
            REFUSED,
        ),
    ]


def _several(data: bytes) -> bool:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return len(file.pages) > 1


def _pages(subfile: int) -> bytes:
    data = io.BytesIO()
    with tifffile.TiffWriter(data) as file:
        file.write(PIXELS, photometric="rgb", metadata=None)
        if subfile == 4:
            mask = PIXELS[..., 0] > 99
            file.write(mask, photometric=4, metadata=None, subfiletype=subfile)
        else:
            small = PIXELS[::2, ::2].copy()
            file.write(small, photometric="rgb", metadata=None, subfiletype=subfile)
    return data.getvalue()


def _sub_directories() -> bytes:
    data = io.BytesIO()
    with tifffile.TiffWriter(data) as file:
        file.write(PIXELS, photometric="rgb", metadata=None, subifds=1)
        file.write(PIXELS[::2, ::2].copy(), photometric="rgb", metadata=None, subfiletype=1)
    return data.getvalue()


def _named(tag: int, value: int) -> bytes:
    """A file that says something else in a tag of one short."""
    data = bytearray(tiff())
    at = struct.unpack_from("<I", data, 4)[0]
    for row in range(at + 2, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], 12):
        if struct.unpack_from("<H", data, row)[0] == tag:
            struct.pack_into("<H", data, row + 8, value)
    return bytes(data)


def _with_exif() -> bytes:
    data = io.BytesIO()
    block = Image.Exif()
    block.load(b"Exif\0\0" + fidelity.exif())
    Image.fromarray(PIXELS).save(data, "TIFF", exif=block)
    return data.getvalue()


def _directories(data: bytes) -> dict[Any, Any]:
    tags = opened(data).getexif()
    return {(ifd, k): v for ifd in (0x8769, 0x8825) for k, v in tags.get_ifd(ifd).items()}
