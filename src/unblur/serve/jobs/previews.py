"""Previews of any photo for the browser: 8-bit sRGB JPEGs of the whole, and tiles of large ones."""

from __future__ import annotations

import shutil
import uuid
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from unblur.errors import PhotoError
from unblur.inference.deblur_file import collected
from unblur.photo import Photo, displayed
from unblur.photo.scratch_pixels import open_pixels
from unblur.serve.result import CachedResult

BASE = 2048
"""Largest side of the preview of the whole; a photo up to this size is shown pixel for pixel."""
THUMB = 160
"""Largest side of the thumbnail."""
TILE = 512
"""Side of the tiles of a larger photo."""
_SAVED = {"Q": 92, "subsample_mode": "off", "keep": "none"}


def show_before(photo: Photo, folder: Path) -> None:
    """Writes thumb.jpg and before.jpg; raises PhotoError if the photo is damaged."""
    try:
        base = _base(displayed(photo.shown, photo))
        base.jpegsave(str(folder / "before.jpg"), **_SAVED)
        base.thumbnail_image(THUMB, height=THUMB, size="down").jpegsave(
            str(folder / "thumb.jpg"), **_SAVED
        )
    except pyvips.Error as error:
        raise PhotoError(f"cannot be shown ({str(error).splitlines()[0]})") from None


def show_after(result: CachedResult, folder: Path) -> bool:
    """Writes after.jpg, the result at full strength, and of a large photo tiles of both sides.

    The tiles are before/x_y.jpg and after/x_y.jpg.

    Returns:
        Whether anything was changed.

    Raises:
        PhotoError: if there is no room for the result's pixels.
    """
    photo, _, strips = result.at(1.0)
    with collected(photo, strips, folder / "after") as (pixels, changed):
        with _opened(pixels, photo) as image:
            _base(displayed(image, photo)).jpegsave(str(folder / "after.jpg"), **_SAVED)
        if needs_tiles(photo.width, photo.height):
            with _opened(pixels, photo) as image:
                _tiles(displayed(image, photo), folder / "after")
            _tiles(displayed(photo.shown, photo), folder / "before")
    return changed


def needs_tiles(width: int, height: int) -> bool:
    return max(width, height) > BASE


def has_tile(width: int, height: int, x: int, y: int) -> bool:
    """Whether a photo has a tile in column x and row y."""
    inside = 0 <= x * TILE < width and 0 <= y * TILE < height
    return inside and needs_tiles(width, height)


def _opened(pixels: np.ndarray | Path, photo: Photo) -> AbstractContextManager[Any]:
    """The pixels as a picture; those of a file can be read once."""
    if isinstance(pixels, Path):
        return open_pixels(pixels, photo.shown)
    return nullcontext(pyvips.Image.new_from_array(pixels))


def _base(image: Any) -> Any:
    return image.thumbnail_image(BASE, height=BASE, size="down").copy_memory()


def _tiles(image: Any, folder: Path) -> None:
    """Writes FOLDER/x_y.jpg."""
    scratch = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")
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
