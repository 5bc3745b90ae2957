"""Photos that are sharp enough, and are left as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unblur import photo
from unblur.inference.blend import Source, Strip
from unblur.inference.deblur_file import source_of, write_result
from unblur.inference.inspector import Inspector
from unblur.inspection import inspect_source

_ROWS = 256


@dataclass(frozen=True)
class Sharp:
    """Which photos are not deblurred, and what becomes of them.

    Attributes:
        inspector: that measures them.
        score: those of this score and more are left.
        copied: whether they are copied to where their result would be.
    """

    inspector: Inspector
    score: float
    copied: bool = True

    def leaves(
        self, path: Path, out: Path, overwrite: bool, max_pixels: int | None
    ) -> tuple[bool, int, tuple[str, ...]]:
        """Measures a photo, and copies it byte for byte if it is sharp enough.

        In a format that cannot be written it is encoded in the one that `out` names.

        Returns:
            Whether it is left as it is, its score, and what the copy does not have of its file.

        Raises:
            PhotoError: if it cannot be read or written; nothing is left half-written.
        """
        if self.copied and not overwrite:
            photo.check_free(out)
        kind = photo.format_of(out)
        picture = photo.read(path, max_pixels)
        source = source_of(picture)
        score = inspect_source(self.inspector, source).score
        if score < self.score:
            return False, score, ()
        if self.copied and kind == picture.format:
            photo.copy(path, out, overwrite)
        elif self.copied:
            strips = _as_they_are(source)
            return True, score, write_result(picture, path, strips, out, kind, overwrite).lost
        return True, score, ()


def _as_they_are(source: Source) -> Iterator[Strip]:
    height, width = source.shape[:2]
    for top in range(0, height, _ROWS):
        rows = slice(top, min(top + _ROWS, height))
        pixels = source[rows, slice(0, width)]
        yield rows, pixels, pixels
