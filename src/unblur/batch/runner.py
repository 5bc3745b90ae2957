"""Runs a list of photos and videos, several at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from unblur import photo, video
from unblur.batch.plan import Job, Outcome, Result
from unblur.batch.sharp import Sharp
from unblur.errors import Hint, UnblurError
from unblur.inference.deblur_file import deblur_file
from unblur.inference.deblurrer import Deblurrer

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How each photo is deblurred.

    Attributes:
        strength: 0 to 1.
        overwrite: whether results that exist are replaced.
        max_pixels: photos of more are refused.
        codec: of videos' results; see `deblur_video`.
        quality: of videos' results, on the codec's own scale.
        report: called, from several threads, with an input's path and how many of a photo's tiles
            or a video's frames are done, and of all.
        warn: called with a line that names an input and says what its result does not have.
        sharp: what is done with photos that are sharp enough; None deblurs all. Videos are
            deblurred in any case.
    """

    strength: float = 1.0
    overwrite: bool = False
    max_pixels: int = photo.MAX_PIXELS
    codec: str = "auto"
    quality: int | None = None
    report: Callable[[str, int, int], None] = lambda path, done, total: None
    warn: Callable[[str], None] = lambda line: None
    sharp: Sharp | None = None


def deblur_one(
    deblurrer: Deblurrer, options: Options, job: Job, name: str | None = None
) -> Outcome:
    """Deblurs a photo or a video into a new file.

    Args:
        name: what warnings call the input; by default its path.

    Raises:
        UnblurError: if it cannot be read or written; nothing is left half-written.
    """
    path, out, name = Path(job.path), Path(job.out), name or job.path
    if video.is_video(path):
        return _deblur_video(deblurrer, options, path, out, name)
    score = None
    if options.sharp is not None:
        left, score, lost = options.sharp.leaves(path, out, options.overwrite, options.max_pixels)
        if left:
            notes, written = _noted(options, name, lost), options.sharp.copied
            return Outcome("unchanged", score, left=True, written=written, notes=notes)
    how = options.strength, options.overwrite, options.max_pixels
    found = deblur_file(deblurrer, path, out, *how, partial(options.report, job.path))
    notes = _noted(options, name, found.lost)
    if not found.changed:
        return Outcome("unchanged", score, notes=notes)
    return Outcome("done", score, scales=found.scales, notes=notes)


def run(
    one: Callable[[Job], T], jobs: Iterable[Job], threads: int, stop: threading.Event | None = None
) -> Iterator[T]:
    """Runs `one` on the jobs in threads.

    Args:
        one: such as `attempt` of what is to be done; raises nothing that is to be survived.
        jobs: iterated over a few ahead of the threads.
        threads: photos at a time: one in the network, others being read and written.
        stop: once set, no further job is begun; those that run are finished.

    Yields:
        What it returned for each job, as they are finished.
    """
    stop = stop or threading.Event()

    def work(job: Job) -> T | None:
        return None if stop.is_set() else one(job)

    source = iter(jobs)
    running: list[Future[T | None]] = []
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                while len(running) < 2 * threads and not stop.is_set():
                    job = next(source, None)
                    if job is None:
                        break
                    running.append(pool.submit(work, job))
                if not running:
                    return
                # With a limit, so that Ctrl-C is handled on every system.
                wait(running, 0.5, FIRST_COMPLETED)
                # Lists, so that what finishes between two waits comes in the jobs' order.
                finished = [future for future in running if future.done()]
                running = [future for future in running if future not in finished]
                results = (future.result() for future in finished)
                yield from (result for result in results if result is not None)
        finally:
            stop.set()


def attempt(one: Callable[[Job], Outcome], job: Job, several: bool = False) -> Result:
    """Runs `one` on a job; errors of the input or the machine make a failed result.

    Args:
        several: whether the job is one of several, whose results no one format can be named for.
    """
    began = time.perf_counter()
    try:
        with input_errors():
            outcome = one(job)
    except UnblurError as error:
        if several and error.hint is not None and error.hint.action == "format":
            error.hint = Hint("format-alone", error.hint.values)
        return Result(job.path, job.out, "failed", _since(began), error)
    out = job.out if outcome.written else None
    said = {"score": outcome.score, "left": outcome.left, "scales": outcome.scales}
    return Result(job.path, out, outcome.status, _since(began), **said, notes=outcome.notes)


def _deblur_video(
    deblurrer: Deblurrer, options: Options, path: Path, out: Path, name: str
) -> Outcome:
    notes: list[str] = []

    def note(line: str) -> None:
        notes.append(line)
        options.warn(f"{name}: {line}")

    if options.sharp is not None:
        options.warn(f"{name}: is a video, and deblurred whole, sharp or not")
    deblurrer = _for_video(deblurrer)
    how = f"{deblurrer.tile} {deblurrer.scale}{' best' * deblurrer.best}"
    video.deblur_video(
        deblurrer,
        path,
        out,
        options.strength,
        options.overwrite,
        options.codec,
        options.quality,
        partial(options.report, str(path)),
        note,
        identity=f"{deblurrer.engine.digest} {how}",
    )
    return Outcome("done", notes=tuple(notes))


def _noted(options: Options, name: str, lost: Sequence[str]) -> tuple[str, ...]:
    """Says in one line what a photo's result does not have; the notes."""
    if lost:
        options.warn(f"{name}: the result is {photo.without(lost)}")
    return tuple(photo.without([words]) for words in lost)


def _for_video(deblurrer: Deblurrer) -> Deblurrer:
    """At full size where the scale is automatic, as it would change from frame to frame."""
    if deblurrer.scale != "auto":
        return deblurrer
    how = {"tile": deblurrer.tile, "masked": deblurrer.masked, "best": deblurrer.best}
    return Deblurrer(deblurrer.engine, scale=1.0, **how)


@contextmanager
def input_errors() -> Iterator[None]:
    """Turns errors of the system, which the input or the machine causes, into UnblurErrors."""
    try:
        yield
    except FileNotFoundError:
        raise UnblurError("does not exist") from None
    except OSError as problem:
        raise UnblurError(f"cannot be read or written ({problem.strerror})") from None
    except MemoryError:
        raise UnblurError("needs more memory than there is", hint=Hint("jobs")) from None


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)
