"""Files of each format with blocks of metadata of any size."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pyvips
import tifffile
from PIL import Image, ImageCms

from tests.photo.facts import gif, jpeg_xmp
from tests.photo.facts import jpeg_files as jpeg
from tests.photo.facts import png as pngs

IPTC = b"\x1c\x02\x05\0\x05Title\x1c\x02\x50\0\3Ada\0"
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pixels_of(mode: str, size: tuple[int, int], seed: int) -> np.ndarray:
    """(h, w, c) of smooth levels; alpha is clear in a corner, and solid elsewhere."""
    width, height = size
    bands = {"L": 1, "1": 1, "LA": 2, "RGB": 3, "P": 3, "RGBA": 4, "CMYK": 4}
    dtype = np.uint16 if mode.endswith("16") else np.float32 if mode.endswith("F") else np.uint8
    count = bands[mode.removesuffix("16").removesuffix("F")]
    y, x, c = np.mgrid[:height, :width, :count]
    levels = (x * 5 + y * 3 + c * 40 + seed * 11) % 256
    if count in (2, 4) and mode != "CMYK":
        levels[..., -1] = 255
        levels[: height // 2, : width // 2, -1] = 0
    if dtype is np.float32:
        return (levels / 255).astype(np.float32)
    return (levels * (257 if dtype is np.uint16 else 1)).astype(dtype)


def _pil(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _jpeg(pixels: np.ndarray, blocks: dict[str, int], orientation: int) -> bytes:
    data = io.BytesIO()
    image = _pil(pixels)
    if pixels.shape[2] == 4:
        image = Image.frombytes("CMYK", image.size, pixels.tobytes())
    image.save(data, "JPEG", quality=92)
    segments: list[tuple[int, bytes]] = []
    if "exif" in blocks or orientation:
        body = _exif(blocks.get("exif", 0), orientation, 65_000)
        segments.append((0xE1, body))
    if "xmp" in blocks:
        more = blocks["xmp"] > 60_000
        segments += (
            jpeg_xmp.extended(
                packet(0),
                jpeg_xmp.xmp('xmlns:a="urn:a/"', f"<a:more>{'x' * blocks['xmp']}</a:more>"),
            )
            if more
            else [jpeg_xmp.segment(packet(blocks["xmp"]))]
        )
    if "iptc" in blocks:
        segments += jpeg.photoshop(jpeg.resource(1028, IPTC))
    if "profile" in blocks and pixels.shape[2] == 3:
        segments += jpeg.profile(_profile(blocks["profile"]))
    if "comment" in blocks:
        segments.append((0xFE, b"C" * min(blocks["comment"] + 1, 65_000)))
    if "unknown" in blocks:
        segments.append((0xE9, b"U" * min(blocks["unknown"] + 1, 65_000)))
    return jpeg.with_segments(data.getvalue(), segments)


def _png(pixels: np.ndarray, blocks: dict[str, int], orientation: int) -> bytes:
    image: Any = pyvips.Image.new_from_array(pixels)
    spaces = ("grey16", "rgb16") if pixels.dtype == np.uint16 else ("b-w", "srgb")
    data = image.copy(interpretation=spaces[pixels.shape[2] > 2]).pngsave_buffer(keep=0)
    added = []
    if "profile" in blocks and pixels.shape[2] > 2:
        added.append((b"iCCP", b"name\0\0" + zlib.compress(_profile(blocks["profile"]))))
    if "exif" in blocks or orientation:
        added.append((b"eXIf", _exif(blocks.get("exif", 0), orientation)[6:]))
    if "xmp" in blocks:
        added.append((b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + packet(blocks["xmp"])))
    if "comment" in blocks:
        added.append((b"zTXt", b"Comment\0\0" + zlib.compress(b"C" * (blocks["comment"] + 1))))
    if "iptc" in blocks:
        added.append((b"zTXt", pngs.raw(b"iptc", IPTC)))
    if "unknown" in blocks:
        added.append((b"abCd", b"U" * (blocks["unknown"] + 1)))
    return data[:33] + b"".join(pngs.chunk(*one) for one in added) + data[33:]


def _metadata(blocks: dict[str, int], orientation: int) -> dict[str, bytes]:
    """Arguments of Pillow's writers."""
    options = {}
    if "profile" in blocks:
        options["icc_profile"] = _profile(blocks["profile"])
    if "exif" in blocks or orientation:
        options["exif"] = _exif(blocks.get("exif", 0), orientation)
    if "xmp" in blocks:
        options["xmp"] = packet(blocks["xmp"])
    return options


def _webp(pixels: np.ndarray, blocks: dict[str, int], orientation: int) -> bytes:
    data, options = io.BytesIO(), _metadata(blocks, orientation)
    _pil(pixels).save(data, "WEBP", lossless=True, exact=True, **options)
    whole = data.getvalue()
    if "unknown" in blocks and options:
        body = b"U" * (blocks["unknown"] + 2)
        whole += struct.pack("<4sI", b"ABCD", len(body)) + body
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def _tiff(pixels: np.ndarray, blocks: dict[str, int], orientation: int) -> bytes:
    tags: list[Any] = [(274, 3, 1, orientation, True)] if orientation else []
    found = {
        "xmp": (700, 1, packet(blocks.get("xmp", 0))),
        "iptc": (33723, 7, IPTC),
        "profile": (34675, 7, _profile(blocks.get("profile", 0))),
        "comment": (270, 2, "C" * (blocks.get("comment", 0) + 1)),
        "unknown": (65000, 7, b"U" * (blocks.get("unknown", 0) + 1)),
        "exif": (271, 2, "Ada"),
    }
    wanted = set(blocks) - ({"profile"} if pixels.shape[2] < 3 else set())
    tags += [
        (tag, kind, len(value), value, True)
        for name, (tag, kind, value) in found.items()
        if name in wanted
    ]
    data = io.BytesIO()
    flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    extra = ["unassalpha"] if pixels.shape[2] in (2, 4) else None
    photometric = "rgb" if pixels.shape[2] > 2 else "minisblack"
    options: dict[str, Any] = {"extrasamples": extra} if extra else {}
    options["planarconfig"] = "contig"
    tifffile.imwrite(
        data,
        flat,
        photometric=photometric,
        extratags=tags,
        metadata=None,
        software=False,
        **options,
    )
    return data.getvalue()


def _gif(pixels: np.ndarray, blocks: dict[str, int], orientation: int) -> bytes:
    data = io.BytesIO()
    _pil(pixels).quantize(16).save(data, "GIF")
    added = []
    if "comment" in blocks:
        added.append(gif.sub_blocks(b"\x21\xfe", b"C" * (blocks["comment"] + 1)))
    if "unknown" in blocks:
        added.append(gif.application(b"MAKERS  1.0", b"U" * (blocks["unknown"] + 1)))
    if "profile" in blocks:
        added.append(gif.application(b"ICCRGBG1012", _profile(blocks["profile"])))
    if "xmp" in blocks:
        added.append(b"\x21\xff\x0bXMP DataXMP" + packet(blocks["xmp"]) + gif.XMP_END)
    return gif.with_blocks(data.getvalue(), *added)


def _avif(pixels: np.ndarray, blocks: dict[str, int], orientation: int) -> bytes:
    data, options = io.BytesIO(), _metadata(blocks, orientation)
    _pil(pixels).save(data, "AVIF", quality=95, speed=10, **options)
    return data.getvalue()


def packet(size: int) -> bytes:
    more = f"<a:more>{'x' * size}</a:more>" if size else ""
    return jpeg_xmp.xmp('xmlns:a="urn:a/"', f"<a:one>1</a:one>{more}")


def _exif(size: int, orientation: int, most: int = 2**30) -> bytes:
    main: dict[int, Any] = {0x10F: "Ada"} | ({0x112: orientation} if orientation else {})
    below = {0x927C: b"Maker\0" + bytes(range(99))}
    return jpeg.exif(main, below, min(size, most))


def _profile(size: int) -> bytes:
    return (len(_SRGB) + size).to_bytes(4, "big") + _SRGB[4:] + bytes(size)


FILES = {"jpeg": _jpeg, "png": _png, "webp": _webp, "tiff": _tiff, "gif": _gif, "avif": _avif}
"""What makes a file of pixels, the sizes of its blocks, and the orientation."""
