"""A photo from standard input, or to standard output."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from unblur import photo
from unblur.batch import Options, deblur_one
from unblur.errors import UnblurError
from unblur.inference.deblurrer import Deblurrer

STANDARD = Path("-")
"""The name that stands for standard input, or output."""


def deblur_stream(deblurrer: Deblurrer, path: Path, out: Path, options: Options) -> bool:
    """Deblurs a photo where one of the two names, or both, are `STANDARD`.

    By way of files, so that a photo of any size needs no more memory than from a file. To
    standard output goes the input's format, and only a whole result.

    Returns:
        Whether anything was deblurred.

    Raises:
        UnblurError: as `folders.deblur_one`, or if standard output takes no more.
    """
    with tempfile.TemporaryDirectory(prefix="unblur-") as folder:
        if path == STANDARD:
            path = Path(folder) / "in"
            with path.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        if out != STANDARD:
            return deblur_one(deblurrer, path, out, options)
        made = Path(folder) / f"out{_ending(path, options)}"
        changed = deblur_one(deblurrer, path, made, options)
        try:
            with made.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except OSError as error:
            raise UnblurError(f"standard output takes no more ({error.strerror})") from None
        return changed


def _ending(path: Path, options: Options) -> str:
    kind = photo.read(path, options.max_pixels).format
    return next((ending for ending, name in photo.FORMATS.items() if name == kind), ".jpg")
