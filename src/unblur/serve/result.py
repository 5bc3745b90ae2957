"""A photo that has been through the network once, to be had at any strength and in any format."""

from __future__ import annotations

import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from unblur import photo
from unblur.errors import PhotoError
from unblur.inference.deblurrer import IN_MEMORY, Deblurrer, Parts, Source, blend
from unblur.photo import Photo

HELD = 2**22
"""Pixels up to which the network's answer is held in memory (12 bytes each), else in a file."""

_ONE_AT_A_TIME = threading.Lock()
_NOTHING: Callable[[int, int], None] = lambda done, total: None  # noqa: E731


class Restoration:
    """A photo and what the network would change of it. Threads may share one.

    What it gives is, byte for byte, what `unblur deblur --strength S` writes. `close`, or the end
    of a `with`, frees what it holds; `rest` keeps it for later without memory.
    """

    def __init__(
        self,
        deblurrer: Deblurrer,
        source: bytes | Path,
        max_pixels: int | None = photo.MAX_PIXELS,
        report: Callable[[int, int], None] = _NOTHING,
        folder: Path | None = None,
        kind: str | None = None,
    ) -> None:
        """Reads the photo and runs the network: this is what takes long.

        Args:
            source: the bytes of a file, or its path; the file stays where it is until the end.
            max_pixels: a larger photo is refused before it is decoded.
            report: called with the tiles that were begun and with their number, before the first
                and in the end too; what it raises ends the work. Other threads call it.
            folder: for the network's answer to a large photo, by default the system's.
            kind: a format that must be able to hold the photo, which is checked first.

        Raises:
            PhotoError: if it cannot be read, or the format cannot hold it.
        """
        self._photo: Photo | None = photo.read(source, max_pixels)
        self._pixels = self._photo.width * self._photo.height
        self.format = "jpeg" if self._photo.format == "heif" else self._photo.format
        """Of the result, if no other is asked for: the photo's own, but JPEG for HEIC."""
        if kind is not None:
            photo.check_holds(self._photo, kind)
        self._source = source
        self._max_pixels = max_pixels
        self._resting: Path | None = None
        self._held: list[tuple[slice, np.ndarray]] = []
        self._file = _scratch(folder) if self._pixels > HELD else None
        try:
            total = 1

            def tell(begun: int, of: int) -> None:
                nonlocal total
                total = of
                report(begun, of)

            for rows, change in deblurrer.changes(self._as_source(self._photo), tell):
                if self._file is None:
                    self._held.append((rows, change))
                else:
                    self._file.write(np.ascontiguousarray(change).data)
                del change
            if self._file is not None:
                self._file.flush()
            report(total, total)
        except BaseException:
            self.close()
            raise

    @property
    def photo(self) -> Photo:
        """As it was read, upright; when it rests, it is read again."""
        return self._photo or photo.read(self._source, self._max_pixels)

    def rest(self, path: Path) -> None:
        """Lets go of all memory and open files: for one that may be asked again, or never.

        Args:
            path: a new file for the network's answer, which stays where it is; `close` removes it.

        Raises:
            PhotoError: if there is no room for it.
        """
        assert self._photo is not None
        try:
            with path.open("wb") as file:
                for _, change in self._changes(self._photo):
                    file.write(np.ascontiguousarray(change).data)
        except OSError as error:
            raise PhotoError(f"finds no room for the result ({error.strerror})") from None
        self.close()
        self._resting, self._photo = path, None

    def encode(self, strength: float = 1.0, kind: str | None = None) -> bytes:
        """The bytes of the result's file; the photo's own bytes if nothing changes.

        Args:
            strength: 0 leaves the photo as it is, 1 is the full effect.
            kind: one of the values of `photo.FORMATS`; by default `format`.

        Raises:
            PhotoError: if the format cannot hold the photo.
        """
        kind = kind or self.format
        if self._pixels > IN_MEMORY:
            with tempfile.TemporaryDirectory(prefix="unblur-") as folder:
                out = Path(folder) / "out"
                self.save(out, strength, kind)
                return out.read_bytes()
        picture = self.photo
        before, after = self._before(picture), self._blended(picture, strength)
        if kind == picture.format and np.array_equal(before, after):
            return self._source if isinstance(self._source, bytes) else self._source.read_bytes()
        return photo.encode(picture, after, kind)

    def save(self, out: Path, strength: float = 1.0, kind: str | None = None) -> None:
        """Writes the result's file, whole or not at all; a large one without holding it.

        Raises:
            PhotoError: as `encode`, or if it cannot be written.
        """
        kind = kind or self.format
        if self._pixels <= IN_MEMORY:
            photo.save(self.encode(strength, kind), out, overwrite=True)
            return
        picture, changed = self.photo, False
        with photo.scratch(out) as raw:
            try:
                with raw.open("wb") as file:
                    for _, before, after in self._strips(picture, strength):
                        changed = changed or not np.array_equal(before, after)
                        file.write(after.tobytes())
            except OSError as error:
                raise PhotoError(f"{out} cannot be written ({error.strerror})") from None
            if changed or kind != picture.format:
                photo.write(picture, raw, out, kind, overwrite=True)
            elif isinstance(self._source, bytes):
                photo.save(self._source, out, overwrite=True)
            else:
                photo.copy(self._source, out, overwrite=True)

    def strips(self, strength: float = 1.0) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """From the top to the bottom: rows, their pixels as they were, and as they are now."""
        return self._strips(self.photo, strength)

    def close(self) -> None:
        """Frees what is held. The restoration is of no use any more."""
        self._held = []
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._resting is not None:
            self._resting.unlink(missing_ok=True)

    def __enter__(self) -> Restoration:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _blended(self, picture: Photo, strength: float) -> np.ndarray:
        out = np.empty((picture.height, picture.width, picture.channels), picture.dtype)
        for rows, _, after in self._strips(picture, strength):
            out[rows] = after
        return out

    def _strips(
        self, picture: Photo, strength: float
    ) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        source = self._as_source(picture)
        for rows, change in self._changes(picture):
            yield from blend(source, rows, change, strength)

    def _before(self, picture: Photo) -> np.ndarray:
        # Not `Photo.pixels`, which would stay in memory as long as the restoration.
        return picture.region(0, 0, picture.height, picture.width)

    def _as_source(self, picture: Photo) -> Source:
        # Parts of what is decoded as it is read are had faster from an array.
        return self._before(picture) if self._pixels <= IN_MEMORY else Parts(picture)

    def _changes(self, picture: Photo) -> Iterator[tuple[slice, np.ndarray]]:
        if self._resting is not None:
            with self._resting.open("rb") as file:
                yield from _changes_in(file, picture)
        elif self._file is not None:
            yield from _changes_in(self._file, picture)
        else:
            yield from self._held


def _changes_in(
    file: io.BufferedRandom | io.BufferedReader, picture: Photo
) -> Iterator[tuple[slice, np.ndarray]]:
    colours = 1 if picture.channels < 3 else 3
    row = picture.width * colours
    some = max(1, 2**20 // row)
    for top in range(0, picture.height, some):
        rows = slice(top, min(top + some, picture.height))
        count = (rows.stop - rows.start) * row
        # With its own place in the file, so that threads may read at once.
        data = _read(file, count * 4, top * row * 4)
        change = np.frombuffer(data, np.float32)
        yield rows, change.reshape(-1, picture.width, colours)


def _scratch(folder: Path | None) -> io.BufferedRandom:
    """A file without a name, which goes when it is closed, and with the process."""
    try:
        return tempfile.TemporaryFile(dir=folder)  # pyright: ignore[reportReturnType]
    except OSError as error:
        raise PhotoError(f"finds no room for what is computed ({error.strerror})") from None


def _read(file: io.BufferedRandom | io.BufferedReader, size: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(file.fileno(), size, offset)
    with _ONE_AT_A_TIME:  # Windows
        file.seek(offset)
        return file.read(size)
