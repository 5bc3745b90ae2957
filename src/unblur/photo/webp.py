"""WebP: how it is recognised, read and written; its chunks."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from unblur.photo import exif
from unblur.photo.origin import Origin

MAGIC = re.compile(rb"(?s)RIFF.{4}WEBP")


def extras(file: BinaryIO) -> dict[str, Any]:
    return {"lossless": any(name == b"VP8L" for name, _, _ in _chunks(file.read()))}


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture without loss if the photo is so, else near-lossless."""
    # Lossy WebP halves the resolution of the colours whatever its quality.
    loss = {"lossless": True} if origin.lossless else {"near_lossless": True, "Q": 60}
    image, keep = exif.with_fields(image, origin.exif)
    data = image.webpsave_buffer(exact=True, keep=keep, **loss)
    file.write(with_exif(data, origin.exif))


def with_exif(webp: bytes, exif: bytes) -> bytes:
    """The file with another EXIF block in place of its own; unchanged if it has none."""
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
