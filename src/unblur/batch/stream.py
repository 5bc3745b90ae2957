"""A photo from a stream, or to one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

from unblur import photo
from unblur.batch.plan import Job, Outcome
from unblur.batch.runner import Options, deblur_one
from unblur.errors import UnblurError
from unblur.inference.deblurrer import Deblurrer
from unblur.photo.files import scratch_folder


def deblur_stream(
    deblurrer: Deblurrer, options: Options, source: Path | BinaryIO, out: Path | BinaryIO
) -> Outcome:
    """Deblurs a photo by way of temporary files, so that one of any size needs no more memory.

    A stream is given the input's format, and only a whole result.

    Raises:
        UnblurError: as `deblur_one`, or if `out` cannot be written to.
        OSError: if the source cannot be read.
    """
    with scratch_folder() as folder:
        path = source if isinstance(source, Path) else folder / "in"
        if not isinstance(source, Path):
            with path.open("wb") as file:
                shutil.copyfileobj(source, file)
        name = str(source) if isinstance(source, Path) else "standard input"
        if isinstance(out, Path):
            return deblur_one(deblurrer, options, Job(str(path), str(out)), name)
        made = folder / f"out{_ending(path, options)}"
        outcome = deblur_one(deblurrer, options, Job(str(path), str(made)), name)
        try:
            with made.open("rb") as file:
                shutil.copyfileobj(file, out)
            out.flush()
        except OSError as error:
            raise UnblurError(f"the output takes no more ({error.strerror})") from None
        return outcome


def _ending(path: Path, options: Options) -> str:
    kind = photo.read(path, options.max_pixels).format
    return next((ending for ending, name in photo.FORMATS.items() if name == kind), ".jpg")
