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
from unblur.restore import IN_MEMORY, Deblurrer, Parts, Source, blend

HELD = 2**22
"""Pixels up to which the network's answer is held in memory (12 bytes each), else in a file."""

_ONE_AT_A_TIME = threading.Lock()
_NOTHING: Callable[[int, int], None] = lambda done, total: None  # noqa: E731


class Restoration:
    """A photo and what the network would change of it. Threads may share one.

    What it gives is, byte for byte, what `unblur deblur --strength S` writes. `close`, or the end
    of a `with`, frees what it holds.

    Attributes:
        photo: as it was read, upright.
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
        self.photo = photo.read(source, max_pixels)
        if kind is not None:
            photo.check_holds(self.photo.origin, self.photo.shown, kind)
        self._source = source
        self._held: list[tuple[slice, np.ndarray]] = []
        self._file = _scratch(folder) if self._pixels > HELD else None
        try:
            total = 1

            def tell(begun: int, of: int) -> None:
                nonlocal total
                total = of
                report(begun, of)

            for rows, change in deblurrer.changes(self._as_source(), tell):
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
    def format(self) -> str:
        """Of the result, if no other is asked for: the photo's own, but JPEG for HEIC."""
        return "jpeg" if self.photo.format == "heif" else self.photo.format

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
        before, after = self._before(), self.pixels(strength)
        if kind == self.photo.format and np.array_equal(before, after):
            return self._source if isinstance(self._source, bytes) else self._source.read_bytes()
        return photo.encode(self.photo, after, kind)

    def save(self, out: Path, strength: float = 1.0, kind: str | None = None) -> None:
        """Writes the result's file, whole or not at all; a large one without holding it.

        Raises:
            PhotoError: as `encode`, or if it cannot be written.
        """
        kind = kind or self.format
        if self._pixels <= IN_MEMORY:
            photo.save(self.encode(strength, kind), out, overwrite=True)
            return
        changed = False
        with photo.scratch(out) as raw:
            try:
                with raw.open("wb") as file:
                    for _, before, after in self.strips(strength):
                        changed = changed or not np.array_equal(before, after)
                        file.write(after.tobytes())
            except OSError as error:
                raise photo.PhotoError(f"{out} cannot be written ({error.strerror})") from None
            if changed or kind != self.photo.format:
                photo.write(self.photo, raw, out, kind, overwrite=True)
            elif isinstance(self._source, bytes):
                photo.save(self._source, out, overwrite=True)
            else:
                photo.copy(self._source, out, overwrite=True)

    def pixels(self, strength: float = 1.0) -> np.ndarray:
        """The result, (h, w, c) of the photo's dtype."""
        out = np.empty((self.photo.height, self.photo.width, self.photo.channels), self.photo.dtype)
        for rows, _, after in self.strips(strength):
            out[rows] = after
        return out

    def strips(self, strength: float = 1.0) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """From the top to the bottom: rows, their pixels as they were, and as they are now."""
        source = self._as_source()
        for rows, change in self._changes():
            yield from blend(source, rows, change, strength)

    def close(self) -> None:
        """Frees what is held. The restoration is of no use any more."""
        self._held = []
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Restoration:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _pixels(self) -> int:
        return self.photo.width * self.photo.height

    def _before(self) -> np.ndarray:
        # Not `Photo.pixels`, which would stay in memory as long as the restoration.
        return self.photo.region(0, 0, self.photo.height, self.photo.width)

    def _as_source(self) -> Source:
        # Parts of what is decoded as it is read are had faster from an array.
        return self._before() if self._pixels <= IN_MEMORY else Parts(self.photo)

    def _changes(self) -> Iterator[tuple[slice, np.ndarray]]:
        if self._file is None:
            yield from self._held
            return
        colours = 1 if self.photo.channels < 3 else 3
        row = self.photo.width * colours
        some = max(1, 2**20 // row)
        for top in range(0, self.photo.height, some):
            rows = slice(top, min(top + some, self.photo.height))
            count = (rows.stop - rows.start) * row
            # With its own place in the file, so that threads may read at once.
            data = _read(self._file, count * 4, top * row * 4)
            change = np.frombuffer(data, np.float32)
            yield rows, change.reshape(-1, self.photo.width, colours)


def _scratch(folder: Path | None) -> io.BufferedRandom:
    """A file without a name, which goes when it is closed, and with the process."""
    try:
        return tempfile.TemporaryFile(dir=folder)  # pyright: ignore[reportReturnType]
    except OSError as error:
        raise photo.PhotoError(f"finds no room for what is computed ({error.strerror})") from None


def _read(file: io.BufferedRandom, size: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(file.fileno(), size, offset)
    with _ONE_AT_A_TIME:  # Windows
        file.seek(offset)
        return file.read(size)
