"""Converts between stored colours and those that the network takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from unblur.errors import PhotoError
from unblur.photo.libvips import blob, decoding, set_blob

_PLAIN = {"srgb", "rgb", "rgb16", "b-w", "grey16", "multiband"}
_FLOATS = {"scrgb", *_PLAIN}
_PEAKS = {"char": 127.0, "short": 32767.0, "int": 2.0**31 - 1, "uint": 2.0**32 - 1}


@dataclass(frozen=True)
class Colours:
    """How stored samples relate to shown ones, which the network takes.

    Attributes:
        kind: "plain" (the same), "cmyk", "lab", or "numbers" (floats and wide integers).
        unit: of "numbers": the stored value that is shown as 1.
    """

    kind: str
    unit: float = 1.0

    def shown(self, stored: Any) -> Any:
        """The shown picture, lazily: 1 to 4 bands of uchar, ushort, or floats in 0 to 1."""
        if self.kind == "plain":
            return stored
        if self.kind == "numbers":
            scaled = stored if self.unit == 1 else (stored.cast("double") / self.unit)
            return scaled.cast("float").clamp()
        colours = 4 if self.kind == "cmyk" else 3
        if self.kind == "cmyk":
            depth = 8 if stored.format == "uchar" else 16
            # libvips' built-in profile if the picture has none.
            rgb = stored[:4].icc_transform("srgb", embedded=True, input_profile="cmyk", depth=depth)
        else:
            rgb = stored[:3].colourspace("rgb16")
        rgb = rgb.copy(interpretation="rgb16" if rgb.format == "ushort" else "srgb")
        return rgb.bandjoin(stored[colours]) if stored.bands > colours else rgb

    def stored(self, new: Any, shown: Any, stored: Any) -> Any:
        """Convert a new shown picture back; pixels without a change keep their stored samples.

        Args:
            new: the new picture, in the colours of `shown`.
            shown: the old picture as shown.
            stored: the old picture as stored.
        """
        if self.kind == "plain":
            return new
        if self.kind == "numbers":
            change = (new.cast("double") - shown) * self.unit + stored
            if stored.format in _PEAKS:
                change = change.rint()
            return (new == shown).ifthenelse(stored, change.cast(stored.format))
        if self.kind == "cmyk":
            lab = new[:3].icc_import(input_profile="srgb", pcs="lab")
            depth = 16 if stored.format == "ushort" else 8
            if profile := _cmyk_profile(stored):
                lab = lab.copy()
                set_blob(lab, "icc-profile-data", profile)
                back = lab.icc_export(depth=depth)
            else:
                back = lab.icc_export(output_profile="cmyk", depth=depth)
        else:
            back = new[:3].colourspace("labs")
        colours = back.bands
        same = (new[:3] == shown[:3]).bandand()
        back = same.ifthenelse(stored[:colours], back.cast(stored.format))
        return back.bandjoin(new[3]) if stored.bands > colours else back


def _cmyk_profile(stored: Any) -> bytes:
    """The picture's profile; empty if it is of other colours, which `shown` passes over as well.

    ICC.1:2010, section 7.2: the header.
    """
    field = "icc-profile-data"
    profile = blob(stored, field)
    return profile if profile[16:20] == b"CMYK" and profile[36:40] == b"acsp" else b""


def colours_of(stored: Any) -> Colours:
    """The colours of a stored picture. Reads all of a picture of floats.

    Raises:
        PhotoError: if they cannot be shown, or values are not finite.
    """
    space, depth, bands = stored.interpretation, stored.format, stored.bands
    if space == "cmyk" and depth in ("uchar", "ushort") and bands in (4, 5):
        return Colours("cmyk")
    if space == "labs" and bands in (3, 4):
        return Colours("lab")
    if bands > 4 or space not in _FLOATS:
        raise PhotoError(f"has {bands} channels of {space} colours; convert it to RGB first")
    if depth in ("uchar", "ushort"):
        return Colours("plain")
    if depth in _PEAKS:
        return Colours("numbers", _PEAKS[depth])
    if depth == "float":
        return Colours("numbers", _unit(stored))
    raise PhotoError(f"has samples of type {depth}; save it with 8 or 16 bit, or 32-bit floats")


def white_of(mean: float, maximum: float) -> float:
    """The white point of floats, which is 1, 255 or 65535: the least that the mean does not exceed.

    The maximum tells only of others: highlights in scene-linear light may be thousands.
    """
    return next((white for white in (1.0, 255.0, 65535.0) if mean <= white), maximum)


def _unit(stored: Any) -> float:
    """The white point of a picture of floats; raises PhotoError if they are not finite."""
    with decoding():
        # The first row is of all bands; its sum is not finite if any value is not.
        minimum, maximum, total = stored.stats().numpy()[0].ravel()[:3]
    if not (math.isfinite(minimum) and math.isfinite(maximum) and math.isfinite(total)):
        raise PhotoError("holds values that are not numbers (NaN or infinite)")
    mean = total / (stored.width * stored.height * stored.bands)
    return white_of(mean, float(maximum))
