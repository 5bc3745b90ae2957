"""What a browser can show of any photo: 8-bit sRGB JPEGs, whole in one and closer in tiles."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from unblur.errors import PhotoError
from unblur.inference.deblurrer import IN_MEMORY
from unblur.photo import Photo
from unblur.photo.scratch_pixels import open_pixels
from unblur.serve.result import Restoration

BASE = 2048
"""Largest side of the picture of the whole; a photo up to this size is shown pixel for pixel."""
THUMB = 160
"""Largest side of the small one."""
TILE = 512
"""Side of the tiles of a larger photo."""
SQUARE = 8
"""Side of the squares behind what is transparent."""
_SAVED = {"Q": 92, "subsample_mode": "off", "keep": "none"}


def show_before(photo: Photo, folder: Path) -> None:
    """Writes thumb.jpg and before.jpg.

    Raises:
        PhotoError: if the photo is damaged.
    """
    try:
        base = _base(_displayed(photo.shown, photo))
        base.jpegsave(str(folder / "before.jpg"), **_SAVED)
        base.thumbnail_image(THUMB, height=THUMB, size="down").jpegsave(
            str(folder / "thumb.jpg"), **_SAVED
        )
    except pyvips.Error as error:
        raise PhotoError(f"cannot be shown ({str(error).splitlines()[0]})") from None


def show_after(restoration: Restoration, folder: Path, name: str) -> bool:
    """Writes NAME.jpg, the result at full strength, and tiles of both if it has to be.

    Returns:
        Whether anything was changed.
    """
    photo = restoration.photo
    with _result(restoration, folder) as (opened, changed):
        _base(_displayed(opened(), photo)).jpegsave(str(folder / f"{name}.jpg"), **_SAVED)
        if needs_tiles(photo.width, photo.height):
            _tiles(_displayed(opened(), photo), folder / name)
            if not (folder / "before").exists():
                _tiles(_displayed(photo.shown, photo), folder / "before")
    return changed


def needs_tiles(width: int, height: int) -> bool:
    return max(width, height) > BASE


@contextmanager
def _result(restoration: Restoration, folder: Path) -> Iterator[tuple[Any, bool]]:
    """What opens the result as a picture, again each time, and whether it differs at all."""
    photo = restoration.photo
    changed = False
    if photo.width * photo.height <= IN_MEMORY:
        pixels = np.empty((photo.height, photo.width, photo.channels), photo.dtype)
        for rows, before, after in restoration.strips():
            changed = changed or not np.array_equal(before, after)
            pixels[rows] = after
        yield lambda: pyvips.Image.new_from_array(pixels), changed
        return
    raw = folder / f"{uuid.uuid4().hex}.raw"
    try:
        with raw.open("wb") as file:
            for _, before, after in restoration.strips():
                changed = changed or not np.array_equal(before, after)
                file.write(after.tobytes())
        # Two of them, for each can be read but once.
        with open_pixels(raw, photo.shown) as first, open_pixels(raw, photo.shown) as second:
            each = iter((first, second))
            yield lambda: next(each), changed
    finally:
        raw.unlink(missing_ok=True)


def _displayed(image: Any, photo: Photo) -> Any:
    """As sRGB of 8 bit without transparency; `image` holds pixels of the photo's colours."""
    if image.format == "float":
        image = (image * 255).rint().cast("uchar")
        image = image.copy(interpretation="srgb" if image.bands > 2 else "b-w")
    else:
        image = image.copy(interpretation=photo.shown.interpretation)
        # What was converted for the network is sRGB, whatever profile is beside it.
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
    """What is transparent shows the grey squares that editors show there."""
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
    except pyvips.Error:  # a profile that is damaged, or of other colours
        return image


def _base(image: Any) -> Any:
    return image.thumbnail_image(BASE, height=BASE, size="down").copy_memory()


def _tiles(image: Any, folder: Path) -> None:
    """Writes FOLDER/x_y.jpg."""
    scratch = folder.with_name(f"{folder.name}-{uuid.uuid4().hex}")
    image.dzsave(
        str(scratch),
        layout="dz",
        depth="one",
        tile_size=TILE,
        overlap=0,
        suffix=f".jpg[Q={_SAVED['Q']},subsample_mode=off]",
        keep="none",
    )
    made = scratch.with_name(f"{scratch.name}_files")
    (made / "0").rename(folder)
    shutil.rmtree(made)
    scratch.with_name(f"{scratch.name}.dzi").unlink()
