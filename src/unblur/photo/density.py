"""The resolution of a JPEG, as its EXIF or its JFIF segment says it."""

from __future__ import annotations

import struct

from unblur.photo.exif import tags_of
from unblur.photo.jpeg_segments import APP0, APP1, EXIF, Segment
from unblur.photo.tiff_tags import RESOLUTION, Tags, number

_MOST = 1e6
"""Pixels a millimetre; libvips holds no more."""


def resolution(found: list[Segment]) -> tuple[float, float]:
    """Pixels a millimetre across and down; (1, 1), libvips' for unknown, if neither says.

    libvips takes a shape of pixels, which is without a unit, for 72 dots an inch.
    """
    jfif = next((body for m, body in found if m == APP0 and body.startswith(b"JFIF\0")), b"")
    exif = next((body for m, body in found if m == APP1 and body.startswith(EXIF)), EXIF)
    said = _by_exif(tags_of(exif)), _by_jfif(jfif)
    both = (pair for pair in said if all(0 < value < _MOST for value in pair))
    return next(both, (1.0, 1.0))


def _by_exif(tags: Tags) -> tuple[float, float]:
    """EXIF 2.32, tags 282, 283 and 296, whose default is an inch."""
    across, down, unit = RESOLUTION
    millimetres = {2: 25.4, 3: 10.0}.get(number(tags, unit, 2), 0.0)
    values = []
    for tag in (across, down):
        kind, _, value = tags.get(tag, (0, 0, b""))
        above, below = struct.unpack("<II", value[:8]) if kind == 5 else (0, 1)
        values.append(above / below / millimetres if below and millimetres else 0.0)
    return values[0], values[1]


def _by_jfif(body: bytes) -> tuple[float, float]:
    """JFIF 1.02: the unit is 0 none, 1 an inch, 2 a centimetre."""
    if len(body) < 12:
        return 0.0, 0.0
    unit, across, down = struct.unpack_from(">BHH", body, 7)
    millimetres = {1: 25.4, 2: 10.0}.get(unit)
    return (across / millimetres, down / millimetres) if millimetres else (0.0, 0.0)
