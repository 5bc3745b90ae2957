"""Many photos, whole folders of them: done by several threads, and gone on with after a kill."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from unblur import __version__, photo
from unblur.batch import resume
from unblur.batch.plan import Job
from unblur.errors import UnblurError
from unblur.inference.deblurrer import Deblurrer, deblur_file
from unblur.photo.files import STRAY


@dataclass(frozen=True)
class Options:
    """How each photo is deblurred.

    Attributes:
        strength: 0 to 1.
        overwrite: whether results that exist are replaced.
        max_pixels: photos of more are refused.
        codec: of videos' results; see `deblur_video`.
        quality: of videos' results, on the codec's own scale.
        report: called with the frames of a video that are done, and of all.
        warn: called with a line for what is not kept.
    """

    strength: float = 1.0
    overwrite: bool = False
    max_pixels: int = photo.MAX_PIXELS
    codec: str = "auto"
    quality: int | None = None
    report: Callable[[int, int], None] = lambda done, total: None
    warn: Callable[[str], None] = lambda line: None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an input; `seconds` it took, `error` says why it failed."""

    path: str
    out: str | None
    status: Literal["done", "unchanged", "skipped", "failed"]
    seconds: float = 0.0
    error: str | None = None


def deblur_folder(
    deblurrer: Deblurrer,
    jobs: Iterable[Job],
    options: Options,
    threads: int = 3,
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """Does the jobs that are not done yet (`resume.state`); the folder is held by the caller.

    Results appear whole or not at all, each with its photo's time of change.

    Args:
        threads: photos at a time: one in the network, others on their way from and to the disk.
        stop: once set, no further photo is begun; those at hand are finished.

    Yields:
        A result for each job, as they come.
    """

    def one(job: Job) -> bool | None:
        path, out = Path(job.path), Path(job.out)
        state = resume.state(path, out)
        if not options.overwrite and state == "done":
            return None
        if not options.overwrite and state == "foreign":
            raise UnblurError(
                f"{out} exists already and is of another photo, or was changed since; "
                "--overwrite replaces it"
            )
        return _deblur_into_place(deblurrer, path, out, options)

    return _run(one, jobs, threads, stop or threading.Event())


def deblur_files(
    deblurrer: Deblurrer,
    jobs: Iterable[Job],
    options: Options,
    threads: int = 3,
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """Does the jobs as `deblur_folder`, but an output that exists already is a failure."""

    def one(job: Job) -> bool:
        return deblur_one(deblurrer, Path(job.path), Path(job.out), options)

    return _run(one, jobs, threads, stop or threading.Event())


def deblur_one(deblurrer: Deblurrer, path: Path, out: Path, options: Options) -> bool:
    """Deblurs a photo or a video into a new file; whether anything was deblurred.

    Raises:
        UnblurError: if it cannot be read or written; nothing is left half-written.
    """
    if is_video(path):
        from unblur.video import deblur_video

        deblur_video(
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


def is_video(path: Path) -> bool:
    from unblur import video

    return video.is_video(path)


def settings_of(deblurrer: Deblurrer, strength: float, tile: int | None) -> dict[str, Any]:
    """What decides over the results, for `resume.begin`."""
    model = deblurrer.engine.digest
    settings = {"model": model, "strength": strength, "best": deblurrer.best, "tile": tile}
    return {"unblur": __version__, **settings}


def _deblur_into_place(deblurrer: Deblurrer, path: Path, out: Path, options: Options) -> bool:
    before = path.stat()
    # Always the same name, so that a video finds the parts that it finished before a kill.
    name = hashlib.sha256(bytes(out)).hexdigest()[:16]
    made = out.with_name(f"{STRAY}{name}{out.suffix}")
    try:
        changed = deblur_one(deblurrer, path, made, options)
        if not resume.carry_time(path, made, before):
            raise UnblurError("was changed while it was worked on; run again")
        made.replace(out)
    except UnblurError as error:
        raise UnblurError(str(error).replace(str(made), str(out))) from None
    finally:
        made.unlink(missing_ok=True)
    return changed


def _run(
    one: Callable[[Job], bool | None],
    jobs: Iterable[Job],
    threads: int,
    stop: threading.Event,
) -> Iterator[Result]:
    def work(job: Job) -> Result | None:
        return None if stop.is_set() else _result(one, job)

    source = iter(jobs)
    at_hand: list[Future[Result | None]] = []
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                # Few ahead of the threads: of a million photos, only these are in memory.
                while len(at_hand) < 2 * threads and not stop.is_set():
                    job = next(source, None)
                    if job is None:
                        break
                    at_hand.append(pool.submit(work, job))
                if not at_hand:
                    return
                # With a limit, so that Ctrl-C is heard on every system.
                wait(at_hand, 0.5, FIRST_COMPLETED)
                finished = [future for future in at_hand if future.done()]
                at_hand = [future for future in at_hand if future not in finished]
                yield from (r for r in (f.result() for f in finished) if r is not None)
        finally:
            stop.set()


def _result(one: Callable[[Job], bool | None], job: Job) -> Result:
    began = time.perf_counter()
    error = None
    try:
        changed = one(job)
        status = "skipped" if changed is None else "done" if changed else "unchanged"
    except UnblurError as problem:
        status, error = "failed", str(problem)
    except FileNotFoundError:
        status, error = "failed", "does not exist"
    except OSError as problem:
        status, error = "failed", f"cannot be read or written ({problem.strerror})"
    except MemoryError:
        status, error = "failed", "needs more memory than there is; --jobs 1 needs less"
    return Result(job.path, job.out, status, round(time.perf_counter() - began, 3), error)
