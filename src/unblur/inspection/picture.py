"""A blur map as a picture: coloured strokes where there was motion, circles out of focus."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyvips

from unblur.inference.blur_map import CELL, BlurMap, extent
from unblur.photo import Photo, displayed
from unblur.photo.libvips import decoding

SCALE: tuple[tuple[float, tuple[int, int, int]], ...] = (
    (4, (58, 130, 192)),
    (10, (31, 176, 160)),
    (25, (120, 210, 80)),
    (60, (253, 231, 37)),
)
"""Extents of the blur in pixels and their colours, which grow lighter; between them by logarithm.

The upper part of viridis, whose lower part is too dark for strokes; colour-blind people see it.
"""

LARGEST = 2560
"""Largest side of a map's file, in pixels: it is there to be looked at."""

_KNOWN = 0.5
"""Least confidence of a cell that is drawn."""
_ALONG = 48
"""Strokes along the longer side, at most."""
_APART = 12
"""Least distance of strokes, in pixels of the picture."""
_ONE_DIRECTION = 0.3
"""Least agreement of the directions in a block, 0 to 1."""


def overlay(
    blur: BlurMap, width: int, height: int, photo_size: tuple[int, int] | None = None
) -> np.ndarray:
    """Draws the strokes alone, on a transparent picture.

    A stroke lies along the motion and is as long, but at least visible, and no longer than the
    distance to the next one. A dot is a motion without a direction, a circle a defocus of that
    radius. The colour (`SCALE`) shows the length of the motion, or the circle's diameter.

    Args:
        width, height: of the picture, at most 32767; if smaller than the photo, all is scaled.
        photo_size: width and height of the photo. Without it, a picture of another size takes the
            cells at the right and the lower edge to be whole.

    Returns:
        RGBA, uint8 (height, width, 4), not premultiplied.
    """
    across, down = _size(blur, width, height, photo_size)
    scale = width / across, height / down
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        '<g fill="none" stroke-linecap="round">'
    ]
    cell = CELL * min(scale)
    apart = max(cell, max(width, height) / _ALONG, _APART)
    block = max(1, round(apart / cell))
    apart = block * cell
    for x, y, size, direction in _strokes(blur, block, across, down):
        colour = "#{:02x}{:02x}{:02x}".format(*_colour(size))
        x, y = x * scale[0], y * scale[1]
        half = np.clip(size * min(scale), 0.35 * apart, 0.85 * apart) / 2
        if direction is None:
            shape = f'circle cx="{x:.1f}" cy="{y:.1f}" r="{half:.1f}"'
        else:
            dx, dy = half * direction.real, -half * direction.imag
            shape = f'path d="M{x - dx:.1f} {y - dy:.1f}L{x + dx:.1f} {y + dy:.1f}"'
        thick = (0.11 if direction != 0 else 0.25) * apart
        # A dark edge, so that it is seen on a bright photo as well.
        lines.append(f'<{shape} stroke="#000" stroke-opacity="0.6" stroke-width="{1.8 * thick}"/>')
        lines.append(f'<{shape} stroke="{colour}" stroke-width="{thick}"/>')
    lines.append("</g></svg>")
    drawn: Any = pyvips.Image.svgload_buffer("".join(lines).encode())
    return drawn.numpy()


def dimmed(
    photo_rgb: np.ndarray, blur: BlurMap, photo_size: tuple[int, int] | None = None
) -> np.ndarray:
    """The strokes on the photo, which is dark and nearly grey under them.

    Args:
        photo_rgb: uint8 (h, w, 3), of the photo's size or smaller.
        photo_size: as in `overlay`.

    Returns:
        RGB, uint8 (h, w, 3).
    """
    height, width = photo_rgb.shape[:2]
    strokes = overlay(blur, width, height, photo_size)
    out = np.empty_like(photo_rgb)
    step = max(1, 2**20 // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        colours = photo_rgb[rows].astype(np.float32)
        grey = colours @ np.array([0.299, 0.587, 0.114], np.float32)
        dark = 0.5 * (0.25 * colours + 0.75 * grey[..., None])
        alpha = strokes[rows, :, 3:] / np.float32(255)
        out[rows] = np.rint(dark + alpha * (strokes[rows, :, :3] - dark))
    return out


def map_png(picture: Photo, blur: BlurMap) -> bytes:
    """A PNG of the strokes on the dimmed photo, reduced to `LARGEST` if it is larger.

    Raises:
        PhotoError: if the photo is damaged.
    """
    with decoding():
        shown = displayed(picture.shown, picture)
        pixels = shown.thumbnail_image(LARGEST, height=LARGEST, size="down").numpy()
    drawn: Any = pyvips.Image.new_from_array(dimmed(pixels, blur, (picture.width, picture.height)))
    return drawn.pngsave_buffer(keep="none")


def _size(
    blur: BlurMap, width: int, height: int, photo_size: tuple[int, int] | None
) -> tuple[int, int]:
    rows, columns = blur.shape
    if photo_size is not None:
        return photo_size
    if (-(-height // CELL), -(-width // CELL)) == (rows, columns):
        return width, height
    return columns * CELL, rows * CELL


def _strokes(
    blur: BlurMap, block: int, across: float, down: float
) -> list[tuple[float, float, float, complex | None]]:
    """For blocks of so many cells a side that are blurred: the mean of their blurred cells.

    Args:
        across, down: width and height of the photo.

    Returns:
        Place x and y, and extent, in pixels of the photo; the motion's direction, or None for a
        defocus.
    """
    size = extent(blur.length, blur.radius)
    known = blur.confidence > _KNOWN
    blurred = known & (size >= SCALE[0][0])
    moved = blur.length >= 2 * blur.radius
    rows, columns = blur.shape
    y, x = np.meshgrid(_centres(rows, down), _centres(columns, across), indexing="ij")
    turn = moved * blur.straight * np.exp(2j * np.radians(blur.angle))
    weights = blurred * blur.confidence
    # Less in a block is noise, or the edge of a subject that the next block shows.
    drawn = _summed(blurred, block) >= np.maximum(0.3 * _summed(known, block), 1)
    total = _summed(weights, block)[drawn]
    means = (_summed(weights * part, block)[drawn] / total for part in (x, y, size, moved, turn))
    return [
        (float(x), float(y), float(size), _direction(turn / share) if share >= 0.5 else None)
        for x, y, size, share, turn in zip(*means, strict=True)
    ]


def _centres(cells: int, end: float) -> np.ndarray:
    starts = CELL * np.arange(cells)
    return (starts + np.minimum(starts + CELL, end)) / 2


def _direction(turn: complex) -> complex:
    """The unit vector of a mean of doubled angles; 0 if they do not agree."""
    if abs(turn) < _ONE_DIRECTION:
        return 0j
    return complex(np.exp(0.5j * np.angle(turn)))


def _summed(values: np.ndarray, block: int) -> np.ndarray:
    """Sums of blocks of cells, of which the last may be cut."""
    rows, columns = values.shape
    starts = np.arange(0, rows, block), np.arange(0, columns, block)
    along: Any = np.complex128 if np.iscomplexobj(values) else np.float64
    return np.add.reduceat(
        np.add.reduceat(values.astype(along), starts[0], axis=0), starts[1], axis=1
    )


def _colour(size: float) -> list[int]:
    extents, colours = zip(*SCALE, strict=True)
    place = float(np.log(size))
    channels = np.array(colours).T
    return [int(np.rint(np.interp(place, np.log(extents), channel))) for channel in channels]
