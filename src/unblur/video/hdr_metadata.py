"""What a film was graded on: a few numbers that displays of high dynamic range ask for."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Grading:
    """Of the first frame, empty where it says nothing (SMPTE ST 2086, CTA-861.3)."""

    display: tuple[Fraction, ...] = ()
    """Red's x and y, green's, blue's, white's; least and most light in cd/m²."""
    light: tuple[int, ...] = ()
    """Of the brightest pixel and the brightest frame, cd/m²."""

    def options(self, library: str) -> dict[str, str]:
        """The options that tell an encoder; {} for one that cannot be told."""
        if library == "libx265":
            name, light = "x265-params", "max-cll"
            display = [round(v * 50000) for v in self.display[:8]]
            display += [round(v * 10000) for v in self.display[8:]]
            text = "master-display"
        elif library == "libsvtav1":
            name, light = "svtav1-params", "content-light"
            display = [round(float(v), 6) for v in self.display]
            text = "mastering-display"
        else:
            return {}
        said = []
        if display:
            rx, ry, gx, gy, bx, by, wx, wy, least, most = display
            said += [f"{text}=G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy})L({most},{least})"]
        if self.light:
            said += [f"{light}={self.light[0]},{self.light[1]}"]
        return {name: ":".join(said)} if said else {}


def read_grading(frame: Any) -> Grading:
    """From a decoded frame's side data."""
    display = frame.side_data.get("MASTERING_DISPLAY_METADATA")
    light = frame.side_data.get("CONTENT_LIGHT_LEVEL")
    values: tuple[Fraction, ...] = ()
    if display is not None:
        # FFmpeg's struct: ten rationals of two ints, then two flags: has colours, has light.
        numbers = np.frombuffer(display, np.int32).tolist()
        pairs = zip(numbers[0:20:2], numbers[1:20:2], strict=True)
        if numbers[20] and numbers[21]:
            values = tuple(Fraction(over, under or 1) for over, under in pairs)
    levels = () if light is None else tuple(np.frombuffer(light, np.uint32)[:2].tolist())
    return Grading(values, levels)
