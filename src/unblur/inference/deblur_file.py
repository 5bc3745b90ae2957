"""The one path from file to file: reads a photo, deblurs it, and writes or copies it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unblur import photo
from unblur.errors import PhotoError
from unblur.inference.blend import Source, Strip
from unblur.inference.deblurrer import Deblurrer
from unblur.photo import Photo
from unblur.photo.files import scratch_folder
from unblur.photo.folders import content

IN_MEMORY = 2**25
"""Photos of up to this many pixels are held whole, which is faster; larger ones are streamed."""
_UNWRITTEN = photo.READABLE - set(photo.FORMATS)


@dataclass(frozen=True)
class Deblurred:
    """What was done with a photo.

    Attributes:
        changed: whether any pixel differs.
        scales: share of the photo that was deblurred at each scale (`ScaleMap.shares`).
        lost: as of `Written`.
    """

    changed: bool
    scales: dict[float, float]
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        changed: whether any pixel differs.
        lost: what of the photo's file it does not have, in a few words each; nothing if it is a
            copy.
    """

    changed: bool
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Encoded(Written):
    """The same, and `data`, the bytes of the file."""

    data: bytes = b""


def deblur_file(
    deblurrer: Deblurrer,
    path: Path,
    out: Path,
    strength: float = 1.0,
    overwrite: bool = False,
    max_pixels: int | None = photo.MAX_PIXELS,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Deblurred:
    """Deblurs a photo into a new file; one that needs no deblurring is copied byte for byte.

    Args:
        report: as in `Deblurrer.changes`.

    Raises:
        PhotoError: if it cannot be read or written; nothing is left half-written.
    """
    if not overwrite:
        photo.check_free(out)
    kind = photo.format_of(out)
    picture = photo.read(path, max_pixels)
    photo.check_holds(picture, kind)  # before the work, not after it
    source = source_of(picture)
    scales = deblurrer.scales(source)
    strips = deblurrer.strips(source, strength, scales, report)
    written = write_result(picture, path, strips, out, kind, overwrite)
    return Deblurred(written.changed, scales.shares(), written.lost)


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
) -> Written:
    """Writes a photo with new pixels, or a copy of its file if neither they nor the format differ.

    Args:
        picture: the photo as it was read.
        original: its file, or the bytes of it.
        strips: all of it, as `Deblurrer.strips` yields it.
        kind: the format to write, one of the values of `photo.FORMATS`.

    Raises:
        PhotoError: if the format cannot hold the photo, `out` exists and is not to be overwritten,
            or it cannot be written; nothing is left half-written.
    """
    source = original if isinstance(original, Path) else None
    with collected(picture, strips, out) as (pixels, changed):
        if changed or kind != picture.format:
            if isinstance(pixels, Path):
                photo.write(picture, pixels, out, kind, overwrite, source)
            else:
                photo.save(photo.encode(picture, pixels, kind), out, overwrite, source)
            return Written(changed, photo.lost(picture, kind))
        if isinstance(original, bytes):
            photo.save(original, out, overwrite)
        else:
            photo.copy(original, out, overwrite)
    return Written(changed)


def encode_result(
    picture: Photo, original: bytes | Path, strips: Iterable[Strip], kind: str
) -> Encoded:
    """The file that `write_result` writes; raises PhotoError as it does."""
    if not _fits(picture):
        with scratch_folder() as folder:
            out = folder / "out"
            written = write_result(picture, original, strips, out, kind)
            return Encoded(written.changed, written.lost, out.read_bytes())
    with collected(picture, strips, Path()) as (pixels, changed):
        if changed or kind != picture.format:
            assert not isinstance(pixels, Path)
            data = photo.encode(picture, pixels, kind)
            return Encoded(changed, photo.lost(picture, kind), data)
    return Encoded(changed, data=original if isinstance(original, bytes) else original.read_bytes())


@contextmanager
def collected(
    picture: Photo, strips: Iterable[Strip], near: Path
) -> Iterator[tuple[np.ndarray | Path, bool]]:
    """All pixels of a result, and whether any differs from the photo's.

    Those of a large photo are in a scratch file in the folder of `near`, row by row.

    Raises:
        PhotoError: if there is no room for the scratch file.
    """
    changed = False
    if _fits(picture):
        pixels = np.empty((picture.height, picture.width, picture.channels), picture.dtype)
        for rows, before, after in strips:
            changed = changed or not np.array_equal(before, after)
            pixels[rows] = after
        yield pixels, changed
        return
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
    return path.with_name(result_name(path, "-deblurred"))


def result_name(path: str | Path, mark: str = "") -> str:
    """A result's name: the photo's own, but photo.jpg for photo.heic, which is not written.

    A photo whose ending is of no format is given the one of its content: scan becomes scan.jpg.

    Args:
        mark: is put before the ending.
    """
    name = os.path.basename(path)  # noqa: PTH119 (fast: of millions)
    stem, suffix = os.path.splitext(name)  # noqa: PTH122
    ending = suffix.lower()
    kind = None if ending in photo.FORMATS else content(path)
    if kind is None:
        return f"{stem}{mark}{suffix if ending not in _UNWRITTEN else '.jpg'}"
    made = next((end for end, of in photo.FORMATS.items() if of == kind), ".jpg")
    return f"{stem if ending in _UNWRITTEN else name}{mark}{made}"


def _fits(picture: Photo) -> bool:
    return picture.width * picture.height <= IN_MEMORY


class _Regions:
    """A photo as a `Source`, each part read from its file when it is asked for."""

    def __init__(self, picture: Photo) -> None:
        self.shape = (picture.height, picture.width, picture.channels)
        self.dtype, self._region = picture.dtype, picture.region

    def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray:
        y, x = key
        return self._region(y.start, x.start, y.stop - y.start, x.stop - x.start)
