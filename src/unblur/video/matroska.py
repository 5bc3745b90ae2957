"""What FFmpeg knows of a video stream, from a header of Matroska that it writes of it.

PyAV has no attributes for the data that a container keeps beside a stream, nor for where colour is
sampled; Matroska's header (RFC 9559) has elements for all of them, whatever the container was.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

_SEGMENT, _TRACKS, _TRACK, _VIDEO, _COLOUR = 0x18538067, 0x1654AE6B, 0xAE, 0xE0, 0x55B0
_CROPS = (0x54AA, 0x54BB, 0x54CC, 0x54DD)
_ADDITION, _ADDITION_CONFIGURATION = 0x41E4, 0x41ED
_CHROMA = {(1, 1): "topleft", (1, 2): "left", (2, 2): "center", (2, 1): "top"}
"""Horizontal and vertical siting -> FFmpeg's name of the place."""


def stream_facts(stream: Any) -> dict[str, Any]:
    """Those of a stream that are set.

    Returns:
        "chroma location": FFmpeg's name of it; "cropping": pixels at the bottom, top, left and
        right; "Dolby Vision": its configuration, bytes. {} if Matroska has no place for the codec.
    """
    import av
    import av.error

    file = io.BytesIO()
    with suppress(av.error.FFmpegError, ValueError), av.open(file, "w", format="matroska") as out:
        out.add_stream_from_template(stream, opaque=True)
        out.start_encoding()
    track = _inside(file.getvalue(), _SEGMENT, _TRACKS, _TRACK)
    video = dict(_elements(_inside(track, _VIDEO)))
    colour = dict(_elements(video.get(_COLOUR, b"")))
    facts: dict[str, Any] = {}
    siting = (_number(colour.get(0x55B7, b"")), _number(colour.get(0x55B8, b"")))
    if siting in _CHROMA:
        facts["chroma location"] = _CHROMA[siting]
    crop = tuple(_number(video.get(side, b"")) for side in _CROPS)
    if any(crop):
        facts["cropping"] = crop
    for kind, body in _elements(track):
        inner = dict(_elements(body)) if kind == _ADDITION else {}
        if _ADDITION_CONFIGURATION in inner:
            facts["Dolby Vision"] = inner[_ADDITION_CONFIGURATION]
    return facts


def _inside(data: bytes, *way: int) -> bytes:
    """The body of the first element at the end of a way; b"" if there is none."""
    for wanted in way:
        data = next((body for kind, body in _elements(data) if kind == wanted), b"")
    return data


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of a body (RFC 8794): identity and body of each."""
    place = 0
    while place < len(data):
        kind, place = _variable(data, place, marked=True)
        size, start = _variable(data, place, marked=False)
        if size < 0:  # unknown: the rest
            size = len(data) - start
        yield kind, data[start : start + size]
        place = start + size


def _variable(data: bytes, place: int, marked: bool) -> tuple[int, int]:
    """A number of variable length, and the place behind it; -1 if all its bits are set."""
    first = data[place] if place < len(data) else 0xFF
    length = 9 - first.bit_length()
    value = int.from_bytes(data[place : place + length], "big")
    bits = 7 * length
    if not marked:
        value &= (1 << bits) - 1
        value = -1 if value == (1 << bits) - 1 else value
    return value, place + length


def _number(body: bytes) -> int:
    return int.from_bytes(body, "big")
