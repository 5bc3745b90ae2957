"""WebP: how it is recognised, read and written; its chunks.

https://developers.google.com/speed/webp/docs/riff_container. libvips writes the pixels alone.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from unblur.photo import libvips
from unblur.photo.exif import LEAD
from unblur.photo.libvips import KEEP_NONE, set_blob
from unblur.photo.names import printable
from unblur.photo.origin import Origin
from unblur.photo.unheld import unheld

MAGIC = re.compile(rb"(?s)RIFF.{4}WEBP")

_FIELDS = {b"ICCP": "icc-profile-data", b"EXIF": "exif-data", b"XMP ": "xmp-data"}
_FLAGS = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}
_ALPHA = 0x10
_PIXELS = (b"ALPH", b"VP8 ", b"VP8L")
_STRUCTURE = (b"VP8X", b"ANIM", b"ANMF")
_SIGNED = (b"C2PA",)
_MOST_BYTES, _MOST = 2**26, 2**16


def load(file: BinaryIO, max_pixels: int | None) -> Any:
    """The stored picture, with metadata whether or not the header announces it.

    Raises PhotoError as `libvips.load`.
    """
    found = _read(file, tuple(_FIELDS))
    file.seek(0)
    image = libvips.load("webp", file, max_pixels).copy()
    for name, data in reversed(found):
        if data:
            set_blob(image, _FIELDS[name], data)
    return image


def extras(file: BinaryIO) -> dict[str, Any]:
    """Whether it is lossless, the chunks that are not known, and what is dropped."""
    known = {*_FIELDS, *_PIXELS, *_STRUCTURE}
    names = list(dict.fromkeys(name for name, _ in _chunks(file)))
    unknown = _read(file, tuple(name for name in names if name not in {*known, *_SIGNED}))
    dropped = [
        "its content credentials (C2PA), which are signed for the old pixels"
        for name in names
        if name in _SIGNED
    ]
    file.seek(0)
    head = file.read(8).ljust(8, b"\0")
    end = struct.unpack_from("<I", head, 4)[0] + 8
    if file.seek(0, io.SEEK_END) > end + end % 2:
        dropped.append("the data behind its end")
    return {
        "lossless": b"VP8L" in names or _first_frame(file) == b"VP8L",
        "unknown": unknown,
        "own": tuple(dict.fromkeys(f"its chunk {printable(name)}" for name, _ in unknown)),
        "dropped": tuple(dropped),
    }


def save(image: Any, origin: Origin, file: BinaryIO) -> None:
    """Write a picture without loss if the photo is so, else near-lossless."""
    # Lossy WebP halves the resolution of the colours whatever its quality.
    loss = {"lossless": True} if origin.lossless else {"near_lossless": True, "Q": 60}
    data = image.webpsave_buffer(exact=True, keep=KEEP_NONE, **loss)
    found = {
        name: image.get(field) for name, field in _FIELDS.items() if image.get_typeof(field)
    } | {b"EXIF": origin.exif.removeprefix(LEAD)}
    alpha = image.bands in (2, 4)
    file.write(with_chunks(data, (image.width, image.height), alpha, found, origin.unknown))


def loses(origin: Origin) -> tuple[str, ...]:
    return unheld(origin, "iptc", "resolution")


def with_chunks(
    webp: bytes,
    size: tuple[int, int],
    alpha: bool,
    metadata: dict[bytes, bytes],
    unknown: list[tuple[bytes, bytes]] | None = None,
) -> bytes:
    """The file of a still picture with other metadata.

    Args:
        size: width and height.
        alpha: whether it is transparent anywhere.
        metadata: the contents of `ICCP`, `EXIF` and `XMP `; an empty one removes the chunk.
        unknown: names and contents of chunks that follow all others.
    """
    file = io.BytesIO(webp)
    metadata = {**dict(_read(file, tuple(_FIELDS))), **metadata}
    metadata = {name: data for name, data in metadata.items() if data}
    pixels = _read(file, _PIXELS)
    if not metadata and not unknown:
        return webp
    flags = sum(_FLAGS[name] for name in metadata) + _ALPHA * alpha
    sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
    listed = [(b"VP8X", struct.pack("<I", flags) + sides)]
    listed += [(b"ICCP", metadata[b"ICCP"])] if b"ICCP" in metadata else []
    listed += pixels
    listed += [(name, metadata[name]) for name in (b"EXIF", b"XMP ") if name in metadata]
    listed += unknown or []
    body = b"".join(
        struct.pack("<4sI", name, len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in listed
    )
    return struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"WEBP") + body


def _read(file: BinaryIO, names: tuple[bytes, ...]) -> list[tuple[bytes, bytes]]:
    """Names and contents of the chunks of these names, of 64 MB in all."""
    found, size = [], 0
    for name, length in _chunks(file):
        if name in names:
            size += length if name not in _PIXELS else 0
            if size <= _MOST_BYTES:
                found.append((name, file.read(length)))
    return found


def _first_frame(file: BinaryIO) -> bytes:
    """What the first frame of an animation is coded by; empty if there is none."""
    for name, _ in _chunks(file):
        if name == b"ANMF":
            return file.read(20)[16:]
    return b""


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and length of each chunk, the file being at its content."""
    file.seek(4)
    at, end = 12, int.from_bytes(file.read(4), "little") + 8
    for _ in range(_MOST):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or at >= end:
            return
        name, length = struct.unpack("<4sI", head)
        yield name, length
        at += 8 + length + length % 2
