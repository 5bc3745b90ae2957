"""PNG files with a palette."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np

from unblur.photo.png_chunks import SIGNATURE, chunk, chunks

# Adam7: the first row and column of each pass, and the steps.
_PASSES = (
    *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)),
    *((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
)


def with_palette(
    png: bytes, pixels: np.ndarray, depth: int, interlaced: bool = False, histogram: bool = False
) -> bytes:
    """Convert an RGB or RGBA PNG file to one with a palette; unchanged if it has over 256 colours.

    Args:
        pixels: of the file, (h, w, 3 or 4) of uint8.
        depth: the least number of bits of an index.
        histogram: whether to write how often each colour is used (`hIST`).
    """
    height, width, channels = pixels.shape
    packed = np.full((height, width, 4), 255, np.uint8)
    packed[..., :channels] = pixels
    file = io.BytesIO(png)
    others = [(name, file.read(length)) for name, length, _ in chunks(file) if name != b"IDAT"]
    ground = next((data[1::2] + b"\xff" for name, data in others if name == b"bKGD"), b"")
    # Sorted by alpha, so that the table of transparency, which leaves out opaque ends, is short.
    words = packed[..., [2, 1, 0, 3]].copy().view("<u4")[..., 0].ravel()
    if ground:
        words = np.append(words, _word(ground))
    colours, indices, counts = np.unique(words, return_inverse=True, return_counts=True)
    if len(colours) > 256:
        return png
    depth = next(bits for bits in (1, 2, 4, 8) if bits >= depth and len(colours) <= 2**bits)
    table = colours.astype("<u4").view(np.uint8).reshape(-1, 4)
    grid = indices[: height * width].reshape(height, width).astype(np.uint8)
    alpha = table[:, 3].tobytes().rstrip(b"\xff")
    size = struct.pack(">IIBBBBB", width, height, depth, 3, 0, 0, interlaced)
    body = [chunk(b"PLTE", table[:, [2, 1, 0]].tobytes())]
    body += [chunk(b"tRNS", alpha)] if alpha else []
    if ground:
        body.append(chunk(b"bKGD", bytes([int(indices[-1])])))
    if histogram:
        body.append(chunk(b"hIST", _histogram(counts)))
    body.append(chunk(b"IDAT", zlib.compress(_scan(grid, depth, interlaced), 9)))
    return b"".join([SIGNATURE, chunk(b"IHDR", size), *_around(png, body)])


def _around(png: bytes, body: list[bytes]) -> list[bytes]:
    """The other chunks of the file, with a new body in place of its pixels."""
    out: list[bytes] = []
    file = io.BytesIO(png)
    for name, length, _ in chunks(file):
        if name == b"IDAT":
            out += body
            body = []
        elif name == b"sBIT":
            out.append(chunk(name, file.read(3)))
        elif name not in (b"IHDR", b"PLTE", b"tRNS", b"bKGD", b"hIST"):
            out.append(chunk(name, file.read(length)))
    return out


def _word(colour: bytes) -> int:
    red, green, blue, alpha = colour
    return blue | green << 8 | red << 16 | alpha << 24


def _histogram(counts: np.ndarray) -> bytes:
    """PNG (third edition) 11.3.4.2: in proportion; 0 only for a colour that is not used."""
    shares = counts.astype(float) * min(1.0, 65535 / counts.max())
    return np.maximum(np.rint(shares), 1).astype(">u2").tobytes()


def _scan(indices: np.ndarray, depth: int, interlaced: bool) -> bytes:
    """The rows of indices (h, w), each behind the number of its filter, which is none."""
    parts = [indices]
    if interlaced:
        parts = [indices[row::down, column::across] for row, column, down, across in _PASSES]
    rows = [_packed(part, depth) for part in parts if part.size]
    return b"".join(np.pad(packed, ((0, 0), (1, 0))).tobytes() for packed in rows)


def _packed(indices: np.ndarray, depth: int) -> np.ndarray:
    """Pack indices (h, w) into bytes, the first one in the highest bits."""
    bits = np.unpackbits(indices[..., None], axis=2)[..., 8 - depth :]
    return np.packbits(bits.reshape(len(indices), -1), axis=1)
