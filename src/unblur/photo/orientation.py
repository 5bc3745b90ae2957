"""Where a position in a stored picture lies once the picture is turned upright.

Orientations are those of EXIF 2.32, section 4.6.4, tag 274: 1 is upright, from 5 on width and
height are exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def point(orientation: int, x: Any, y: Any, width: Any, height: Any) -> tuple[Any, Any]:
    """A position in the upright picture.

    Args:
        x, y: from the left and the top of the stored picture.
        width, height: of the stored picture, in the same unit.
    """
    across = width - x if orientation in (2, 3, 7, 8) else x
    down = height - y if orientation in (3, 4, 6, 7) else y
    return (down, across) if orientation >= 5 else (across, down)


def box(
    orientation: int, x: Any, y: Any, w: Any, h: Any, width: Any, height: Any
) -> tuple[Any, Any, Any, Any]:
    """Left, top, width and height of a box in the upright picture; arguments as of `point`."""
    left, top = point(orientation, x, y, width, height)
    right, bottom = point(orientation, x + w, y + h, width, height)
    sides = (h, w) if orientation >= 5 else (w, h)
    return (min(left, right), min(top, bottom), *sides)


def subject(orientation: int, values: Sequence[int], width: int, height: int) -> list[int]:
    """EXIF's SubjectArea or SubjectLocation in the upright picture.

    Args:
        values: the centre's x and y in pixels; then nothing, a diameter, or width and height.
        width, height: of the stored picture, in pixels.
    """
    x, y = point(orientation, values[0], values[1], width - 1, height - 1)
    sides = list(values[2:])
    if orientation >= 5:
        sides.reverse()
    return [max(x, 0), max(y, 0), *sides]
