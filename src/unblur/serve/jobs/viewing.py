"""What a job that is viewed keeps in its folder, besides the photo:

thumb.jpg  before.jpg   pictures of it, made when it is posted
after.jpg               the result at full strength
before/x_y.jpg  after/x_y.jpg   tiles of both, of a large photo
change                  what the network changes: any strength is made of it without the network
blur.npz  blur.png      the map of its blur, and the picture of that
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from unblur import photo
from unblur.errors import PhotoError
from unblur.photo import Photo
from unblur.serve.jobs import previews
from unblur.serve.result import CachedResult

ROOM = 2**29
"""Free bytes on the disk that a further photo and its result need."""
CHANGE = "change"
_MADE = ("after.jpg", CHANGE, "before", "after")
"""By the work on it, in whatever order."""
_SHARED = ("thumb.jpg", "before.jpg")
_MEASURED = ("blur.npz", "blur.png")


def bring(home: Path, path: Path, max_pixels: int | None) -> dict[str, Any]:
    """Reads a photo in its folder, and makes the pictures of it.

    Returns:
        Fields of the record: width, height and details.

    Raises:
        PhotoError: if it cannot be read.
    """
    picture = photo.read(path, max_pixels)
    previews.show_before(picture, home)
    return facts(picture, path)


def share(home: Path, new: Path, photo_name: str, measured: bool) -> None:
    """Links a job's photo and pictures into another's folder, or copies them.

    Raises:
        OSError: if that cannot be; FileNotFoundError if the photo is not there any more.
    """
    _link(home / photo_name, new / photo_name)
    for name in (*_SHARED, *(_MEASURED if measured else ())):
        with suppress(FileNotFoundError):
            _link(home / name, new / name)


def finish(result: CachedResult, home: Path, kind: str) -> tuple[bool, tuple[str, ...]]:
    """Writes the pictures of a result and the change, and closes it.

    Args:
        kind: the format in which it will be fetched.

    Returns:
        Whether anything was changed, and what of the photo's file the result does not have.
    """
    try:
        picture = result.photo
        changed = previews.show_after(result, home)
        lost = photo.lost(picture, kind) if changed or kind != picture.format else ()
        result.move_to_disk(home / CHANGE)
    except BaseException:
        result.close()
        raise
    return changed, lost


def blend(
    home: Path, path: Path, out: Path, strength: float, kind: str, max_pixels: int | None
) -> tuple[str, ...]:
    """Writes the result at a strength, and returns what of the photo's file it does not have.

    Raises:
        PhotoError: if the format cannot hold the photo.
        OSError: if it cannot be written; FileNotFoundError if the job was removed meanwhile.
    """
    try:
        result = CachedResult(path, photo.read(path, max_pixels), home / CHANGE, max_pixels)
        return result.save(out, strength, kind).lost
    except (PhotoError, ValueError) as error:
        if not (home / CHANGE).exists():
            raise FileNotFoundError(errno.ENOENT, "was removed") from None
        if isinstance(error, PhotoError) and error.file is None:
            raise
        raise OSError(errno.EIO, str(error)) from error


def is_complete(home: Path, width: int | None, height: int | None) -> bool:
    """Whether there is all that the result is made of."""
    if width is None or height is None or not (home / "after.jpg").is_file():
        return False
    with suppress(OSError):
        # Floats of one colour or three.
        return (home / CHANGE).stat().st_size in (width * height * 4, width * height * 12)
    return False


def clear(home: Path) -> None:
    """Removes what the work on it has made so far."""
    for name in _MADE:
        path = home / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def facts(picture: Photo, path: Path) -> dict[str, Any]:
    """Fields of the record that are known of a photo: width, height and details, to be shown."""
    kind = {"heif": "HEIC", "webp": "WebP"}.get(picture.format, picture.format.upper())
    size = path.stat().st_size
    parts = [
        kind,
        f"{picture.width} \N{MULTIPLICATION SIGN} {picture.height}",
        {"uint16": "16 bit", "float32": "32-bit float"}.get(picture.dtype.name, ""),
        "grey" if picture.channels < 3 else "",
        "transparency" if picture.channels in (2, 4) else "",
        f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(1, size // 1024)} kB",
    ]
    details = ", ".join(filter(None, parts))
    return {"width": picture.width, "height": picture.height, "details": details}


def _link(path: Path, new: Path) -> None:
    try:
        os.link(path, new)
    except FileNotFoundError:
        raise
    except OSError:  # of a file system without links
        shutil.copyfile(path, new)
