"""What a blur map says about a whole photo: a score, a share, a typical blur and its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from unblur.inference.blend import Source
from unblur.inference.blur_map import BlurMap, extent
from unblur.inference.gate import BLURRED
from unblur.inference.inspector import Inspector

Kind = Literal["none", "camera shake", "moving subject", "defocus"]

KNOWN = 0.5
"""Confidence from which a cell counts."""
HALF = 7.0
"""Extent, in pixels, of a cell whose score is 50."""
LITTLE = 0.12
"""A photo of which less is blurred is not called so."""
SUBJECT = 0.15
"""A photo of which as much is sharp has a sharp subject: the rest is out of focus on purpose."""
MOST = 0.6
"""Of the cells that can be told: where more than these move, the camera did."""


@dataclass(frozen=True)
class Inspection:
    """How blurred a photo is.

    Attributes:
        score: sharpness from 0 to 100.
        blurred: share of the photo that is blurred, 0 to 1, of the cells that can be told.
        length: typical length of the motion in the blurred part, in pixels; where nothing is
            blurred, in the whole.
        angle: its typical direction in degrees, 0 to 180, counter-clockwise from the horizontal;
            None if there is no motion or it has no direction.
        radius: typical radius of the defocus, in pixels, in the same part.
        kind: of the blur.
        width, height: of the upright photo, in pixels.
        map: cell by cell.
    """

    score: int
    blurred: float
    length: float
    angle: float | None
    radius: float
    kind: Kind
    width: int
    height: int
    map: BlurMap

    def as_dict(self) -> dict[str, Any]:
        """All but the map and the size, rounded, JSON-able."""
        return {
            "score": self.score,
            "blurred": round(self.blurred, 3),
            "length": round(self.length, 1),
            "angle": None if self.angle is None else round(self.angle, 1),
            "radius": round(self.radius, 1),
            "kind": self.kind,
        }


def inspect_source(inspector: Inspector, source: Source) -> Inspection:
    """Measures an image of any size, (h, w, c)."""
    return summarise(inspector(source), source.shape[1], source.shape[0])


def summarise(blur: BlurMap, width: int, height: int) -> Inspection:
    """The sums of a map; a photo without any texture scores 100."""
    known = blur.confidence > KNOWN
    if not known.any():
        return Inspection(100, 0.0, 0.0, None, 0.0, "none", width, height, blur)
    length, radius = blur.length[known], blur.radius[known]
    size = extent(length, radius)
    defocused = (2 * radius > length) & (size > BLURRED)
    moved = (length >= 2 * radius) & (size > BLURRED)
    sharp, out_of_focus, moving = (
        float(part.mean()) for part in (size <= BLURRED, defocused, moved)
    )
    weight = np.where(defocused, 1 - 0.8 * min(1.0, sharp / SUBJECT), 1.0)
    score = float(np.average(100 / (1 + (size / HALF) ** 1.5), weights=weight))
    kind = _kind(sharp, out_of_focus, moving)
    # Where there is motion, what it is like; else the whole, where there is next to none.
    part = moved if moving >= LITTLE else np.ones_like(moved)
    turns = (blur.straight * np.exp(2j * np.radians(blur.angle)))[known][part]
    turn = np.average(turns, weights=length[part] + 1e-3)
    directed = moving >= LITTLE and abs(turn) > 0.2
    angle = float(np.degrees(np.angle(turn)) / 2 % 180) if directed else None
    focus = defocused if kind == "defocus" else part
    return Inspection(
        score=round(score),
        blurred=1 - sharp,
        length=float(np.median(length[part])),
        angle=angle,
        radius=float(np.median(radius[focus])),
        kind=kind,
        width=width,
        height=height,
        map=blur,
    )


def _kind(sharp: float, out_of_focus: float, moving: float) -> Kind:
    """The kind of blur, by the shares of the cells that can be told."""
    if moving < LITTLE and (out_of_focus < LITTLE or sharp > SUBJECT):
        return "none"
    if out_of_focus > moving:
        return "defocus"
    return "camera shake" if moving > MOST else "moving subject"
