"""Inspects photos of files, several at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unblur import photo
from unblur.batch.plan import Job
from unblur.batch.runner import input_errors
from unblur.errors import UnblurError
from unblur.inference.blur_map import BlurMap
from unblur.inference.deblur_file import source_of
from unblur.inference.inspector import Inspector
from unblur.inspection import Inspection, inspect_source
from unblur.inspection.bursts import Shot, shot
from unblur.inspection.picture import map_png
from unblur.video import is_video

_NO_MAP = BlurMap(*[np.zeros((0, 0), np.float32)] * 5)


@dataclass(frozen=True)
class Found:
    """What was found of an input.

    Attributes:
        job: the photo, and its place in its input.
        seconds: that it took.
        inspection: without its map, as there may be thousands; None if it failed.
        shot: if it was asked for.
        map: the file of its map, if one was written.
        error: if it failed.
    """

    job: Job
    seconds: float
    inspection: Inspection | None = None
    shot: Shot | None = None
    map: Path | None = None
    error: UnblurError | None = None


@dataclass(frozen=True)
class Inspecting:
    """How each photo is inspected; a call inspects one and raises nothing that its file causes.

    Attributes:
        shots: whether what tells bursts apart is read as well.
        map_of: where a photo's map goes, None for nowhere; may raise UnblurError.
        overwrite: whether maps that exist are replaced.
    """

    inspector: Inspector
    max_pixels: int = photo.MAX_PIXELS
    shots: bool = False
    map_of: Callable[[Job], Path | None] = lambda job: None
    overwrite: bool = False

    def __call__(self, job: Job) -> Found:
        began = time.perf_counter()
        try:
            with input_errors():
                found = self._inspect(job)
        except UnblurError as error:
            found = Found(job, 0, error=error)
        return replace(found, seconds=round(time.perf_counter() - began, 3))

    def _inspect(self, job: Job) -> Found:
        path = Path(job.path)
        if is_video(path):
            raise UnblurError("is a video; a photo was expected")
        out = self.map_of(job)
        if out is not None and not self.overwrite:
            photo.check_free(out)
        picture = photo.read(path, self.max_pixels)
        inspection = inspect_source(self.inspector, source_of(picture))
        if out is not None:
            photo.save(map_png(picture, inspection.map), out, self.overwrite, path)
        seen = shot(picture) if self.shots else None
        return Found(job, 0, replace(inspection, map=_NO_MAP), seen, out)


def in_order(found: Iterable[Found], jobs: Iterable[Job]) -> Iterator[Found]:
    """Yields what was found in the order of the jobs, each as soon as all before it are there."""
    early: dict[int, Found] = {}
    waiting = iter(jobs)
    awaited = next(waiting, None)
    for one in found:
        early[id(one.job)] = one
        while awaited is not None and id(awaited) in early:
            yield early.pop(id(awaited))
            awaited = next(waiting, None)
    # After a stop, those behind a job that was not begun.
    yield from early.values()
