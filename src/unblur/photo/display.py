"""A photo as a screen shows it: 8-bit sRGB, whatever its depth, colours and profile."""

from __future__ import annotations

from typing import Any

import pyvips

from unblur.photo.reading import Photo

SQUARE = 8
"""Side of the squares behind transparency."""


def displayed(image: Any, photo: Photo) -> Any:
    """Converts a picture to 8-bit sRGB without transparency, lazily.

    Args:
        image: the photo's `shown`, or a picture with new pixels in the same colours.
        photo: whose colours and profile they are.
    """
    if image.format == "float":
        image = (image * 255).rint().cast("uchar")
        image = image.copy(interpretation="srgb" if image.bands > 2 else "b-w")
    else:
        image = image.copy(interpretation=photo.shown.interpretation)
        # Other colours were converted to sRGB for the network; the profile is not theirs.
        profile = photo.shown.get_typeof("icc-profile-data")
        if profile and photo.origin.colours.kind == "plain":
            image = _to_srgb(image, photo.shown.get("icc-profile-data"))
    if image.interpretation not in ("srgb", "rgb"):
        deep = image.format == "ushort"
        if image.interpretation == "multiband":
            image = image.copy(interpretation="rgb16" if deep else "srgb")
        image = image.colourspace("srgb")
    return _on_squares(image) if image.hasalpha() else image.cast("uchar")


def _on_squares(image: Any) -> Any:
    """Blends with the grey checkerboard that editors show under transparency."""
    place: Any = pyvips.Image.xyz(image.width, image.height)
    odd = (place[0] / SQUARE).floor() + (place[1] / SQUARE).floor()
    squares = (odd % 2 == 0).ifthenelse(238, 210)
    share = image[-1] / 255
    mixed = image[:-1] * share + squares * (1 - share)
    return mixed.rint().cast("uchar").copy(interpretation="srgb")


def _to_srgb(image: Any, profile: bytes) -> Any:
    changed = image.copy()
    changed.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    try:
        return changed.icc_transform("srgb", embedded=True)
    except pyvips.Error:  # a damaged profile, or one for other colours
        return image
