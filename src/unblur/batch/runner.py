"""Runs a list of photos and videos, several at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from unblur import photo, video
from unblur.batch.plan import Job, Result
from unblur.errors import Hint, UnblurError
from unblur.inference.deblur_file import deblur_file
from unblur.inference.deblurrer import Deblurrer


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
    """

    strength: float = 1.0
    overwrite: bool = False
    max_pixels: int = photo.MAX_PIXELS
    codec: str = "auto"
    quality: int | None = None
    report: Callable[[int, int], None] = lambda done, total: None
    warn: Callable[[str], None] = lambda line: None


def deblur_one(deblurrer: Deblurrer, options: Options, job: Job) -> bool:
    """Deblurs a photo or a video into a new file; returns whether anything was deblurred.

    Raises:
        UnblurError: if it cannot be read or written; nothing is left half-written.
    """
    path, out = Path(job.path), Path(job.out)
    if video.is_video(path):
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
            identity=f"{deblurrer.engine.digest} {deblurrer.tile}{' best' * deblurrer.best}",
        )
        return True
    return deblur_file(
        deblurrer, path, out, options.strength, options.overwrite, options.max_pixels
    )


def run(
    one: Callable[[Job], bool | None],
    jobs: Iterable[Job],
    threads: int,
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """Runs `one` on the jobs in threads.

    Args:
        one: returns whether it changed anything; None if it was done before.
        jobs: iterated over a few ahead of the threads.
        threads: photos at a time: one in the network, others being read and written.
        stop: once set, no further job is begun; those that run are finished.

    Yields:
        A result for each job, as they are finished.
    """
    stop = stop or threading.Event()

    def work(job: Job) -> Result | None:
        return None if stop.is_set() else attempt(one, job)

    source = iter(jobs)
    running: list[Future[Result | None]] = []
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
                yield from filter(None, (future.result() for future in finished))
        finally:
            stop.set()


def attempt(one: Callable[[Job], bool | None], job: Job) -> Result:
    """Runs `one` on a job; errors of the input or the machine make a failed result."""
    began = time.perf_counter()
    error = None
    try:
        changed = one(job)
    except UnblurError as problem:
        error = problem
    except FileNotFoundError:
        error = UnblurError("does not exist")
    except OSError as problem:
        error = UnblurError(f"cannot be read or written ({problem.strerror})")
    except MemoryError:
        error = UnblurError("needs more memory than there is", hint=Hint("jobs"))
    else:
        status = "skipped" if changed is None else "done" if changed else "unchanged"
        return Result(job.path, job.out, status, round(time.perf_counter() - began, 3))
    return Result(job.path, job.out, "failed", round(time.perf_counter() - began, 3), error)
