"""The one path from file to file: reads a photo, deblurs it, and writes or copies it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unblur import photo
from unblur.errors import PhotoError
from unblur.inference.blend import Source, Strip
from unblur.inference.deblurrer import Deblurrer
from unblur.photo import Photo

IN_MEMORY = 2**25
"""Photos of up to this many pixels are held whole, which is faster; larger ones are streamed."""


def deblur_file(
    deblurrer: Deblurrer,
    path: Path,
    out: Path,
    strength: float = 1.0,
    overwrite: bool = False,
    max_pixels: int | None = photo.MAX_PIXELS,
) -> bool:
    """Deblurs a photo into a new file; one that needs no deblurring is copied byte for byte.

    Returns:
        Whether anything was deblurred.

    Raises:
        PhotoError: if it cannot be read or written; nothing is left half-written.
    """
    if not overwrite:
        photo.check_free(out)
    kind = photo.format_of(out)
    picture = photo.read(path, max_pixels)
    strips = deblurrer.strips(source_of(picture), strength)
    return write_result(picture, path, strips, out, kind, overwrite)


def source_of(picture: Photo) -> Source:
    """A photo's pixels, to be read part by part: an array, or of a large photo its file."""
    if _fits(picture):
        # Not `Photo.pixels`, which stays in memory as long as the photo.
        return picture.region(0, 0, picture.height, picture.width)
    return _Regions(picture)


def write_result(
    picture: Photo,
    original: bytes | Path,
    strips: Iterable[Strip],
    out: Path,
    kind: str,
    overwrite: bool = False,
) -> bool:
    """Writes a photo with new pixels, or a copy of its file if neither they nor the format differ.

    Args:
        picture: the photo as it was read.
        original: the bytes of its file, or its path.
        strips: all of it from top to bottom, as `Deblurrer.strips` yields it.
        out: the new file, written whole or not at all.
        kind: its format, one of the values of `photo.FORMATS`.

    Returns:
        Whether any pixel differs.

    Raises:
        PhotoError: if it cannot be written, exists and may not be overwritten, or the format
            cannot hold the photo.
    """
    with collected(picture, strips, out) as (pixels, changed):
        if not changed and kind == picture.format:
            if isinstance(original, bytes):
                photo.save(original, out, overwrite)
            else:
                photo.copy(original, out, overwrite)
        elif isinstance(pixels, Path):
            photo.write(picture, pixels, out, kind, overwrite)
        else:
            photo.save(photo.encode(picture, pixels, kind), out, overwrite)
    return changed


def encode_result(
    picture: Photo, original: bytes | Path, strips: Iterable[Strip], kind: str
) -> bytes:
    """The bytes of the file that `write_result` writes.

    Raises:
        PhotoError: if the format cannot hold the photo.
    """
    if not _fits(picture):
        with tempfile.TemporaryDirectory(prefix="unblur-") as folder:
            out = Path(folder) / "out"
            write_result(picture, original, strips, out, kind)
            return out.read_bytes()
    pixels, changed = _whole(picture, strips)
    if changed or kind != picture.format:
        return photo.encode(picture, pixels, kind)
    return original if isinstance(original, bytes) else original.read_bytes()


@contextmanager
def collected(
    picture: Photo, strips: Iterable[Strip], near: Path
) -> Iterator[tuple[np.ndarray | Path, bool]]:
    """All pixels after deblurring, and whether any differs.

    They are an array, or of a large photo a scratch file of bare pixels, row by row.

    Args:
        near: the scratch file is made in this file's folder.

    Raises:
        PhotoError: if there is no room for the scratch file.
    """
    if _fits(picture):
        yield _whole(picture, strips)
        return
    changed = False
    with photo.scratch(near) as raw:
        try:
            with raw.open("wb") as file:
                for _, before, after in strips:
                    changed = changed or not np.array_equal(before, after)
                    file.write(after.tobytes())
        except OSError as error:
            raise PhotoError(f"cannot be written ({error.strerror})", file=near) from None
        yield raw, changed


def beside(path: Path) -> Path:
    """The default name of a result: photo.jpg becomes photo-deblurred.jpg."""
    return path.with_name(f"{path.stem}-deblurred{written_ending(path)}")


def written_ending(path: Path) -> str:
    """The suffix of a result: the photo's own, or .jpg for HEIC, which is not written."""
    return ".jpg" if path.suffix.lower() in photo.READABLE - set(photo.FORMATS) else path.suffix


def _whole(picture: Photo, strips: Iterable[Strip]) -> tuple[np.ndarray, bool]:
    changed = False
    pixels = np.empty((picture.height, picture.width, picture.channels), picture.dtype)
    for rows, before, after in strips:
        changed = changed or not np.array_equal(before, after)
        pixels[rows] = after
    return pixels, changed


def _fits(picture: Photo) -> bool:
    return picture.width * picture.height <= IN_MEMORY


@dataclass(frozen=True)
class _Regions:
    """A photo as a `Source`, each part read from its file when it is asked for."""

    picture: Photo

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.picture.height, self.picture.width, self.picture.channels

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.picture.dtype

    def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray:
        y, x = key
        return self.picture.region(y.start, x.start, y.stop - y.start, x.stop - x.start)
