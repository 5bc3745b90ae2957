"""HDR metadata: the mastering display and the content light level (ST 2086, CTA-861.3)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from unblur.video.side_data import side_data


@dataclass(frozen=True)
class HdrMetadata:
    """The metadata of the first frame; empty where it has none."""

    display: tuple[Fraction, ...] = ()
    """Chromaticities x, y of red, green, blue and white; least and most luminance in cd/m²."""
    light: tuple[int, ...] = ()
    """Luminance of the brightest pixel, and mean of the brightest frame, cd/m²."""

    def options(self, library: str) -> dict[str, str]:
        """The encoder's options that set it; {} for an encoder without them."""
        if library == "libx265":
            name, text, light = "x265-params", "master-display", "max-cll"
            display = [round(v * 50000) for v in self.display[:8]]
            display += [round(v * 10000) for v in self.display[8:]]
        elif library == "libx264":
            name, text, light = "x264-params", "mastering-display", "cll"
            display = [round(v * 50000) for v in self.display[:8]]
            display += [round(v * 10000) for v in self.display[8:]]
        elif library == "libsvtav1":
            name, text, light = "svtav1-params", "mastering-display", "content-light"
            display = [round(float(v), 6) for v in self.display]
        else:
            return {}
        found = []
        if display:
            rx, ry, gx, gy, bx, by, wx, wy, least, most = display
            found += [f"{text}=G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy})L({most},{least})"]
        if self.light:
            found += [f"{light}={self.light[0]},{self.light[1]}"]
        return {name: ":".join(found)} if found else {}


def read_hdr_metadata(frame: Any) -> HdrMetadata:
    """The metadata in the side data of a decoded frame."""
    display = side_data(frame).get("MASTERING_DISPLAY_METADATA")
    light = side_data(frame).get("CONTENT_LIGHT_LEVEL")
    values: tuple[Fraction, ...] = ()
    if display is not None:
        # FFmpeg's struct: ten rationals of two ints, then two flags: has colours, has light.
        numbers = np.frombuffer(display, np.int32).tolist()
        pairs = zip(numbers[0:20:2], numbers[1:20:2], strict=True)
        if numbers[20] and numbers[21]:
            values = tuple(Fraction(over, under or 1) for over, under in pairs)
    levels = () if light is None else tuple(np.frombuffer(light, np.uint32)[:2].tolist())
    return HdrMetadata(values, levels)
