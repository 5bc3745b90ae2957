"""Runs a list of photos and videos, several at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
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
        report: called with the number of a video's frames that are done, and of all.
        warn: called with a line for each part of a video that is not kept.
        sharp: what is done with photos that are sharp enough; None deblurs all. Videos are
            deblurred in any case.
    """

    strength: float = 1.0
    overwrite: bool = False
    max_pixels: int = photo.MAX_PIXELS
    codec: str = "auto"
    quality: int | None = None
    report: Callable[[int, int], None] = lambda done, total: None
    warn: Callable[[str], None] = lambda line: None
    sharp: Sharp | None = None


def deblur_one(deblurrer: Deblurrer, options: Options, job: Job) -> Outcome:
    """Deblurs a photo or a video into a new file.

    Raises:
        UnblurError: if it cannot be read or written; nothing is left half-written.
    """
    path, out = Path(job.path), Path(job.out)
    if video.is_video(path):
        if options.sharp is not None:
            options.warn(f"{path}: is a video, and deblurred whole, sharp or not")
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
            options.report,
            lambda line: options.warn(f"{path}: {line}"),
            identity=f"{deblurrer.engine.digest} {how}",
        )
        return Outcome("done")
    score = None
    if options.sharp is not None:
        left, score = options.sharp.leaves(path, out, options.overwrite, options.max_pixels)
        if left:
            return Outcome("unchanged", score, left=True, written=options.sharp.copied)
    found = deblur_file(
        deblurrer, path, out, options.strength, options.overwrite, options.max_pixels
    )
    if not found.changed:
        return Outcome("unchanged", score)
    return Outcome("done", score, scales=found.scales)


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
    return Result(job.path, out, outcome.status, _since(began), **said)


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
