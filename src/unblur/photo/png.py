"""PNG: how it is recognised, read and written; its chunks and palettes."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from unblur.photo.libvips import KEEP_NO_EXIF, save_streamed
from unblur.photo.origin import Origin

MAGIC = re.compile(rb"\x89PNG\r\n\x1a\n")
SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEAD = 33
"""Bytes of the signature and the header chunk."""

_CARRIED = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"tIME")
_LONGEST = 2**24
_PALETTE_PIXELS = 2**25


def extras(file: BinaryIO) -> dict[str, Any]:
    """The chunks of the colour space and of the time of change."""
    found = [
        chunk(name, file.read(length))
        for name, length in _chunks(file)
        if name in _CARRIED and length <= _LONGEST
    ]
    return {"chunks": found}


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture, with a palette if the photo has one and its colours still fit."""
    options: dict[str, Any] = {
        "interlace": bool(origin.header.get_typeof("interlaced")),
        "keep": KEEP_NO_EXIF,
    }
    if image.bands == 1 and image.format == "uchar" and origin.bits in (1, 2, 4):
        options["bitdepth"] = origin.bits
    chunks = b"".join([*origin.chunks, *exif_chunk(origin.exif)])

    def begin(start: bytes) -> bytes:
        return start[:HEAD] + chunks + start[HEAD:]

    if (
        origin.header.get_typeof("palette")
        and image.format == "uchar"
        and image.bands >= 3
        and image.width * image.height <= _PALETTE_PIXELS
    ):
        whole = begin(image.pngsave_buffer(**options))
        file.write(with_palette(whole, image.numpy(), origin.bits))
    else:
        save_streamed(image, "png", options, begin, file)


def exif_chunk(exif: bytes) -> list[bytes]:
    return [chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))] if exif else []


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_palette(png: bytes, pixels: np.ndarray, depth: int) -> bytes:
    """Convert an RGB or RGBA PNG file to one with a palette; unchanged if it has over 256 colours.

    Args:
        pixels: of the file, (h, w, 3 or 4) of uint8.
        depth: the least number of bits of an index.
    """
    height, width, channels = pixels.shape
    packed = np.full((height, width, 4), 255, np.uint8)
    packed[..., :channels] = pixels
    # Sorted by alpha, so that the table of transparency, which leaves out opaque ends, is short.
    words = packed[..., [2, 1, 0, 3]].copy().view("<u4")[..., 0]
    colours, indices = np.unique(words, return_inverse=True)
    if len(colours) > 256:
        return png
    depth = next(bits for bits in (1, 2, 4, 8) if bits >= depth and len(colours) <= 2**bits)
    table = colours.astype("<u4").view(np.uint8).reshape(-1, 4)
    rows = _packed(indices.reshape(height, width).astype(np.uint8), depth)
    scan = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    alpha = table[:, 3].tobytes().rstrip(b"\xff")
    out = [SIGNATURE, chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 3, 0, 0, 0))]
    body = [chunk(b"PLTE", table[:, [2, 1, 0]].tobytes())]
    body += [chunk(b"tRNS", alpha)] if alpha else []
    body += [chunk(b"IDAT", zlib.compress(scan, 9))]
    file = io.BytesIO(png)
    for name, length in _chunks(file):
        if name == b"IDAT" and body:
            out += body
            body = []
        elif name not in (b"IHDR", b"IDAT", b"PLTE", b"tRNS"):
            out.append(chunk(name, file.read(length)))
    return b"".join(out)


def _packed(indices: np.ndarray, depth: int) -> np.ndarray:
    """Pack indices (h, w) into bytes, the first one in the highest bits."""
    bits = np.unpackbits(indices[..., None], axis=2)[..., 8 - depth :]
    return np.packbits(bits.reshape(len(indices), -1), axis=1)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and length of each chunk up to the last, the file being at its content."""
    at, name = len(SIGNATURE), b""
    file.seek(at)
    while name != b"IEND" and len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        yield name, length
        at += 12 + length
        file.seek(at)
