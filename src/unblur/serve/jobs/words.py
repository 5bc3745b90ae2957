"""What the page says of a photo's blur, and of how it was deblurred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from unblur import photo
from unblur.inspection import Inspection

FEW = 0.03
"""Share of a photo that is not worth a word."""

_DIRECTIONS = ("from side to side", "rising to the right", "up and down", "falling to the right")
_SIZES = {1.0: "full size", 0.67: "two thirds of its size", 0.5: "half size", 0.33: "a third"}


def blur(inspection: Inspection) -> str:
    """ "Camera shake, about 14 pixels up and down, sharpness 43 of 100", for example."""
    score = f"sharpness {inspection.score} of 100"
    if inspection.kind == "none":
        return f"No blur to speak of, {score}"
    if inspection.kind == "defocus":
        return f"Out of focus by a radius of about {_pixels(inspection.radius)}, {score}"
    motion = f"{inspection.kind.capitalize()}, about {_pixels(inspection.length)}"
    if inspection.angle is not None:
        motion += f" {_DIRECTIONS[round(inspection.angle / 45) % 4]}"
    if inspection.kind == "moving subject":
        motion += f" in {_percent(inspection.blurred)} of the photo"
    return f"{motion}, {score}"


def level(inspection: Inspection) -> Literal["sharp", "soft", "blurred"]:
    """How bad it is, for the badge's colour."""
    if inspection.kind == "none":
        return "sharp"
    return "soft" if inspection.score >= 50 else "blurred"


def notes(lost: Sequence[str]) -> str:
    """ "Without the thumbnail", for example; nothing if the result has all of the photo's file."""
    text = photo.without(lost)
    return text[:1].upper() + text[1:]


def scales(shares: Mapping[float, float], chosen: bool = False) -> str:
    """ "Long blur: worked at half size in 40 % of the photo", for example.

    Args:
        shares: as `CachedResult.scales`.
        chosen: whether the one scale was asked for, whatever the blur.

    Returns:
        The words; none if hardly any of it was at less than full size.
    """
    total = sum(share for scale, share in shares.items() if scale < 1)
    if total <= FEW:
        return ""
    small = {scale: share for scale, share in shares.items() if scale < 1 and share > FEW / 3}
    if len(small) == 1 and total > 1 - FEW:
        size = _size(*small)
        return f"Worked at {size}" if chosen else f"Long blur: worked at {size}"
    parts = [f"at {_size(scale)} in {_percent(small[scale])}" for scale in sorted(small)[::-1]]
    return f"Long blur: worked {' and '.join(parts)} of the photo"


def _size(scale: float) -> str:
    return _SIZES.get(round(scale, 2), f"{_percent(scale)} of its size")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def _pixels(length: float) -> str:
    whole = max(1, round(length))
    return "1 pixel" if whole == 1 else f"{whole} pixels"
