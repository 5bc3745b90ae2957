"""PNG: how it is recognised, read and written; its chunks and palettes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from unblur.photo.libvips import KEEP_NO_EXIF, save_streamed
from unblur.photo.origin import Origin

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEAD = 33
"""Bytes of the signature and the header chunk."""

_CARRIED = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"tIME")
_LONGEST = 2**24
_PALETTE_PIXELS = 2**25


def matches(head: bytes) -> bool:
    return head.startswith(SIGNATURE)


def read_extras(file: BinaryIO) -> dict[str, Any]:
    """The chunks of a PNG file that say how its colours are meant and when it was made."""
    found: list[bytes] = []
    file.seek(len(SIGNATURE))
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name == b"IEND":
            break
        if name in _CARRIED and length <= _LONGEST:
            found.append(chunk(name, file.read(length)))
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)
    return {"chunks": found}


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture, with a palette if the photo has one and its colours still fit."""
    options: dict[str, Any] = {"interlace": origin.interlaced, "keep": KEEP_NO_EXIF}
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
    """An RGB or RGBA PNG file written with a palette; the same file if it needs over 256 colours.

    Args:
        pixels: its own, (h, w, 3 or 4) of uint8.
        depth: bits of an index, if that many hold the colours.
    """
    height, width, channels = pixels.shape
    packed = np.zeros((height, width, 4), np.uint8)
    packed[..., :channels] = pixels
    packed[..., channels:] = 255
    # Transparency first, so that its table is short.
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
    for name, data in _chunks(png):
        if name == b"IDAT" and body:
            out += body
            body = []
        elif name not in (b"IHDR", b"IDAT", b"PLTE", b"tRNS"):
            out.append(chunk(name, data))
    return b"".join(out)


def _packed(indices: np.ndarray, depth: int) -> np.ndarray:
    """Indices (h, w), several a byte: the first one in the highest bits."""
    if depth == 8:
        return indices
    count = 8 // depth
    padded = np.pad(indices, ((0, 0), (0, -indices.shape[1] % count)))
    parts = padded.reshape(len(indices), -1, count).astype(np.uint8)
    shifts = np.arange(count - 1, -1, -1, dtype=np.uint8) * np.uint8(depth)
    return np.bitwise_or.reduce(parts << shifts, axis=2).astype(np.uint8)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 8 <= len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        yield name, png[at + 8 : at + 8 + length]
        at += 12 + length
