"""What the queue does with a photo: deblurs it, or inspects it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import numpy as np

from unblur import photo
from unblur.inference.blend import Source
from unblur.inference.deblur_file import source_of
from unblur.inspection import Inspection, inspect_source
from unblur.serve.models import LoadedModel
from unblur.serve.result import CachedResult

T = TypeVar("T")
Report = Callable[[int, int], None]
"""Called with the runs of the network that have begun and their total; it may raise, which ends
the work."""


@dataclass(frozen=True)
class Work(Generic[T]):
    """Work on one photo, for the queue.

    Attributes:
        name: what it is, for the metrics.
        size: bytes of the photo that it holds in memory.
        run: does it, in one of the queue's threads, and returns its value.
    """

    name: Literal["deblur", "inspect"]
    size: int
    run: Callable[[Report], T]


def deblurring(
    model: LoadedModel,
    source: bytes | Path,
    finish: Callable[[CachedResult], T],
    *,
    max_pixels: int | None,
    best: bool = False,
    kind: str | None = None,
    started: Callable[[], None] = lambda: None,
) -> Work[T]:
    """Deblurs a photo.

    Args:
        source: a file's bytes, or its path; the file must stay until the task is done.
        finish: makes the task's value of the result, and closes or keeps it.
        max_pixels: a larger photo is refused before it is decoded.
        best: whether to take the mean over the eight turns and flips.
        kind: a format that must be able to hold the photo.
        started: called when the work on it begins.
    """

    def run(report: Report) -> T:
        started()
        deblurrer = model.deblurrer(best)
        return finish(CachedResult.compute(deblurrer, source, max_pixels, report, kind=kind))

    return Work("deblur", _held(source), run)


def inspecting(
    model: LoadedModel,
    source: bytes | Path,
    finish: Callable[[Inspection], T],
    *,
    max_pixels: int | None,
) -> Work[T]:
    """Measures how blurred a photo is; the arguments are those of `deblurring`."""

    def run(report: Report) -> T:
        picture = photo.read(source, max_pixels)
        return finish(inspect_source(model.inspector, _Watched(source_of(picture), report)))

    return Work("inspect", _held(source), run)


class _Watched:
    """A source that ends the work, if it is to end, when a part of it is read."""

    def __init__(self, source: Source, report: Report) -> None:
        self._source, self._report = source, report

    @property
    def shape(self) -> tuple[int, ...]:
        return self._source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._source.dtype

    def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray:
        self._report(0, 1)
        return self._source[key]


def _held(source: bytes | Path) -> int:
    return len(source) if isinstance(source, bytes) else 0
