"""WebP's chunks: whether it is lossless, and its EXIF."""

from __future__ import annotations

import struct
from collections.abc import Iterator


def is_lossless(webp: bytes) -> bool:
    return any(name == b"VP8L" for name, _, _ in _chunks(webp))


def with_exif(webp: bytes, exif: bytes) -> bytes:
    """The file with another EXIF block in place of the one that it has."""
    for name, start, end in _chunks(webp):
        if name == b"EXIF":
            new = struct.pack("<4sI", b"EXIF", len(exif)) + exif + b"\0" * (len(exif) % 2)
            whole = webp[:start] + new + webp[end:]
            return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]
    return webp


def _chunks(webp: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each chunk."""
    at = 12
    while at + 8 <= len(webp):
        name, length = struct.unpack_from("<4sI", webp, at)
        yield name, at, at + 8 + length + length % 2
        at += 8 + length + length % 2
