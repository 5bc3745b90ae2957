"""A photo from a stream, or to one."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from unblur import photo
from unblur.batch.runner import Options, deblur_one
from unblur.errors import UnblurError
from unblur.inference.deblurrer import Deblurrer


def deblur_stream(
    deblurrer: Deblurrer, source: Path | BinaryIO, out: Path | BinaryIO, options: Options
) -> bool:
    """Deblurs a photo by way of temporary files, so that one of any size needs no more memory.

    A stream is given the input's format, and only a whole result.

    Returns:
        Whether anything was deblurred.

    Raises:
        UnblurError: as `deblur_one`, or if `out` cannot be written to.
        OSError: if the source cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="unblur-") as name:
        folder = Path(name)
        if isinstance(source, Path):
            path = source
        else:
            path = folder / "in"
            with path.open("wb") as file:
                shutil.copyfileobj(source, file)
        if isinstance(out, Path):
            return deblur_one(deblurrer, path, out, options)
        made = folder / f"out{_ending(path, options)}"
        changed = deblur_one(deblurrer, path, made, options)
        try:
            with made.open("rb") as file:
                shutil.copyfileobj(file, out)
            out.flush()
        except OSError as error:
            raise UnblurError(f"the output takes no more ({error.strerror})") from None
        return changed


def _ending(path: Path, options: Options) -> str:
    kind = photo.read(path, options.max_pixels).format
    return next((ending for ending, name in photo.FORMATS.items() if name == kind), ".jpg")
