"""What a blur map says about a whole photo: a score, a share, a typical blur and its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from unblur.inference.blend import Source
from unblur.inference.blur_map import BlurMap
from unblur.inference.inspector import Inspector

Kind = Literal["none", "camera shake", "moving subject", "defocus"]


@dataclass(frozen=True)
class Inspection:
    """How blurred a photo is.

    Attributes:
        score: sharpness from 0 to 100.
        blurred: share of the photo that is blurred, 0 to 1, of the cells that can be told.
        length: typical length of the motion in the blurred part, in pixels; 0 if there is none.
        angle: its typical direction in degrees, 0 to 180, counter-clockwise from the horizontal;
            None if there is no motion or it has no direction.
        radius: typical radius of the defocus in the blurred part, in pixels.
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
    """The sums of a map."""
    known = blur.confidence > 0.5
    extent = np.maximum(blur.length, 2 * blur.radius)
    if not known.any():
        return Inspection(100, 0.0, 0.0, None, 0.0, "none", width, height, blur)
    blurred = known & (extent > 4)
    share = float(blurred.sum() / known.sum())
    score = round(100 / (1 + float(np.median(extent[known])) / 10))
    if share < 0.05:
        return Inspection(score, share, 0.0, None, 0.0, "none", width, height, blur)
    length = float(np.median(blur.length[blurred]))
    turn = np.exp(2j * np.radians(blur.angle[blurred])).mean()
    angle = float(np.degrees(np.angle(turn)) / 2 % 180)
    radius = float(np.median(blur.radius[blurred]))
    kind: Kind = "camera shake" if share > 0.5 else "moving subject"
    return Inspection(score, share, length, angle, radius, kind, width, height, blur)
