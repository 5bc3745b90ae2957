"""What the queue does with a photo: deblurs it, or inspects it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, Literal, TypeVar

from unblur import photo
from unblur.inference.deblur_file import source_of
from unblur.inference.options import Scale
from unblur.inspection import Inspection, inspect_source
from unblur.serve.models import LoadedModel
from unblur.serve.result import CachedResult
from unblur.serve.watched import Watched

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
    scale: Scale = "auto",
    kind: str | None = None,
    started: Callable[[], None] = lambda: None,
) -> Work[T]:
    """Deblurs a photo.

    Args:
        source: a file's bytes, or its path; the file must stay until the task is done.
        finish: makes the task's value of the result, and closes or keeps it.
        max_pixels: a larger photo is refused before it is decoded.
        best: whether to take the mean over the eight turns and flips.
        scale: at which the network works; see `Deblurrer`.
        kind: a format that must be able to hold the photo.
        started: called when the work on it begins.
    """

    def run(report: Report) -> T:
        started()
        deblurrer = model.deblurrer(best, scale)
        return finish(CachedResult.compute(deblurrer, source, max_pixels, report, kind=kind))

    return Work("deblur", _held(source), run)


def inspecting(
    model: LoadedModel,
    source: bytes | Path,
    finish: Callable[[Inspection], T],
    *,
    max_pixels: int | None,
    exact: bool = False,
) -> Work[T]:
    """Measures how blurred a photo is; the arguments are those of `deblurring` and `Inspector`."""

    def run(report: Report) -> T:
        picture = photo.read(source, max_pixels)
        source_read = Watched(source_of(picture), partial(report, 0, 1))
        return finish(inspect_source(model.inspector(exact), source_read))

    return Work("inspect", _held(source), run)


def _held(source: bytes | Path) -> int:
    return len(source) if isinstance(source, bytes) else 0
