"""A deblurred photo, cached: the network runs once, then every strength and format is available."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from unblur import photo
from unblur.errors import PhotoError
from unblur.inference.blend import Strip, blend
from unblur.inference.deblur_file import Encoded, Written, encode_result, source_of, write_result
from unblur.inference.deblurrer import Deblurrer
from unblur.photo import Photo
from unblur.serve.watched import Watched

IN_MEMORY = 2**22
"""Pixels up to which a photo's change is held in memory (12 bytes each), else in a file."""

Change = tuple[slice, np.ndarray]
"""Rows, and what the full effect adds to them (`Deblurrer.changes`)."""


class CachedResult:
    """A photo and the network's change to it: made by `compute`, or of what `move_to_disk` left.

    The result at a strength is, byte for byte, the file that `unblur deblur --strength` writes.
    `close`, or the end of a `with`, frees what is held; `move_to_disk` keeps the change without
    memory, and threads may then share the object.

    Attributes:
        format: of the result unless another is asked for: the photo's own, or JPEG for HEIC.
        scales: share of the photo, 0 to 1, that was deblurred at each scale; 1 is full size, 0.5
            half of it, which suits longer blur.
        lost: what of the photo's file a result in `format` does not have, in a few words each.
        converted: whether it is written even if nothing changes, as `format` is not the photo's.
    """

    def __init__(
        self,
        source: bytes | Path,
        picture: Photo,
        change: list[Change] | IO[bytes] | Path,
        max_pixels: int | None = photo.MAX_PIXELS,
        scales: Mapping[float, float] | None = None,
    ) -> None:
        self.scales: dict[float, float] = dict(scales or {1.0: 1.0})
        self.format: str = "jpeg" if picture.format == "heif" else picture.format
        self.converted: bool = self.format != picture.format
        self.lost: tuple[str, ...] = photo.lost(picture, self.format)
        self._source = source
        self._photo: Photo | None = picture
        self._change: list[Change] | IO[bytes] | Path = change
        self._max_pixels = max_pixels

    @classmethod
    def compute(
        cls,
        deblurrer: Deblurrer,
        source: bytes | Path,
        max_pixels: int | None = photo.MAX_PIXELS,
        report: Callable[[int, int], None] = lambda done, total: None,
        folder: Path | None = None,
        kind: str | None = None,
    ) -> CachedResult:
        """Reads a photo and runs the network, which takes long.

        Args:
            source: the bytes of a file, or its path; the file must stay until `close`.
            max_pixels: a larger photo is refused before it is decoded.
            report: as in `Deblurrer.changes`; called at the end as well, with the total twice, and
                with two zeros when a part of the photo is read to choose the scales.
            folder: for the change of a large photo, by default the system's for temporary files.
            kind: a format; it is checked first that it can hold the photo.

        Raises:
            PhotoError: if the photo cannot be read, the format cannot hold it, or there is no room
                for the change.
        """
        picture = photo.read(source, max_pixels)
        if kind is not None:
            photo.check_holds(picture, kind)
        total = 1

        def count(begun: int, runs: int) -> None:
            nonlocal total
            total = runs
            report(begun, runs)

        pixels = source_of(picture)
        scales = deblurrer.scales(Watched(pixels, partial(report, 0, 0)))
        changes = deblurrer.changes(pixels, count, scales)
        if picture.width * picture.height <= IN_MEMORY:
            kept = list(changes)
        else:
            # Without a name: it disappears when it is closed, and with the process.
            kept = _written(changes, partial(tempfile.TemporaryFile, dir=folder))
        report(total, total)
        return cls(source, picture, kept, max_pixels, scales.shares())

    @property
    def photo(self) -> Photo:
        """The photo as it was read, upright; read again after `move_to_disk`."""
        return self._photo or photo.read(self._source, self._max_pixels)

    def move_to_disk(self, path: Path) -> None:
        """Moves the change to a new file, which `close` removes; frees memory and open files.

        Raises:
            PhotoError: if there is no room for it.
        """
        _written(self._changes(self.photo), partial(path.open, "wb")).close()
        self.close()
        self._change, self._photo = path, None

    def at(self, strength: float) -> tuple[Photo, bytes | Path, Iterator[Strip]]:
        """The photo, its file, and the strips of the result; see `deblur_file.write_result`."""
        picture = self.photo
        return picture, self._source, self._strips(picture, strength)

    def encode(self, strength: float = 1.0, kind: str | None = None) -> Encoded:
        """The result's file; the photo's own bytes if nothing changes.

        Args:
            strength: 0 leaves the photo as it is, 1 is the full effect.
            kind: one of the values of `photo.FORMATS`; by default `format`.

        Raises:
            PhotoError: if the format cannot hold the photo.
        """
        return encode_result(*self.at(strength), kind or self.format)

    def save(self, out: Path, strength: float = 1.0, kind: str | None = None) -> Written:
        """Writes the result's file, whole or not at all; a large one without holding it.

        Raises:
            PhotoError: as `encode`, or if it cannot be written.
        """
        return write_result(*self.at(strength), out, kind or self.format, overwrite=True)

    def close(self) -> None:
        """Frees what is held. The result cannot be used any more."""
        if isinstance(self._change, Path):
            self._change.unlink(missing_ok=True)
        elif not isinstance(self._change, list):
            self._change.close()
        else:
            self._change = []

    def __enter__(self) -> CachedResult:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _strips(self, picture: Photo, strength: float) -> Iterator[Strip]:
        source = source_of(picture)
        for rows, change in self._changes(picture):
            yield from blend(source, rows, change, strength)

    def _changes(self, picture: Photo) -> Iterator[Change]:
        if isinstance(self._change, Path):
            with self._change.open("rb") as file:
                yield from _read(file, picture)
        elif isinstance(self._change, list):
            yield from self._change
        else:
            yield from _read(self._change, picture)


def _written(changes: Iterator[Change], open_file: Callable[[], IO[bytes]]) -> IO[bytes]:
    """A file of all changes, row by row; it is closed if that fails."""
    try:
        with ExitStack() as stack:
            file = stack.enter_context(open_file())
            for _, change in changes:
                file.write(np.ascontiguousarray(change).data)
                # Else it would be held while the next row of tiles is computed.
                del change
            file.flush()
            stack.pop_all()
            return file
    except OSError as error:
        raise PhotoError(f"finds no room for the result ({error.strerror})") from None


def _read(file: IO[bytes], picture: Photo) -> Iterator[Change]:
    colours = 1 if picture.channels < 3 else 3
    row = picture.width * colours * 4
    step = max(1, 2**22 // row)
    file.seek(0)
    for top in range(0, picture.height, step):
        rows = slice(top, min(top + step, picture.height))
        change = np.frombuffer(file.read((rows.stop - rows.start) * row), np.float32)
        yield rows, change.reshape(-1, picture.width, colours)
