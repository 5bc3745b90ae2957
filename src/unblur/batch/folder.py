"""A run whose results go into a folder: stopped or killed, it is resumed by another one."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from unblur import __version__
from unblur.batch import resume
from unblur.batch.plan import Job, Outcome, Plan, Result, plan
from unblur.batch.runner import Options, attempt, deblur_one, run
from unblur.errors import Hint, UnblurError
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.memory import tile_for_memory
from unblur.photo import files


@dataclass
class FolderRun:
    """A run in progress; `deblurrer` has the one tile that all results are made with."""

    deblurrer: Deblurrer
    plan: Plan
    options: Options
    complete: bool = False
    """Whether no result of other settings can be left in the folder."""

    def results(self, threads: int, stop: threading.Event) -> Iterator[Result]:
        """Runs the jobs; see `deblur_folder`."""
        left, failed = len(self.plan.jobs), list(self.plan.failures)
        for result in deblur_folder(self.deblurrer, self.options, self.plan.jobs, threads, stop):
            left -= 1
            failed += [result] * (result.status == "failed")
            yield result
        kept = any(result.out is None or Path(result.out).exists() for result in failed)
        self.complete = not left and not kept


@contextmanager
def begin(
    deblurrer: Deblurrer,
    inputs: Iterable[Path],
    out: Path,
    options: Options,
    tile: int | None = None,
) -> Iterator[FolderRun]:
    """Plans a run on the inputs, and locks the folder while it lasts.

    Args:
        out: the folder, which is made if it does not exist.
        tile: by default that of the folder's results, or what the memory allows: one for all, as
            results of two tiles differ slightly.

    Raises:
        ResumeError: if the folder is locked, or holds results of other settings or files that are
            no results, and they are not to be overwritten.
        UnblurError: if the folder cannot be written to.
    """
    with files.locked(out):
        before = {} if options.overwrite else resume.settings_in(out)
        tile = tile or before.get("tile") or tile_for_memory(deblurrer.engine.contract)
        best, scale = deblurrer.best, deblurrer.scale
        deblurrer = Deblurrer(deblurrer.engine, tile=tile, best=best, scale=scale)
        settings = settings_of(deblurrer, options.strength)
        if options.sharp is not None:
            settings["only_blurred"] = options.sharp.score
        begun = FolderRun(deblurrer, plan(inputs, out), options)
        resume.begin(out, settings, begun.plan.jobs, options.overwrite)
        yield begun
        if begun.complete:
            resume.finish(out, settings)


def settings_of(deblurrer: Deblurrer, strength: float) -> dict[str, Any]:
    """What the pixels of a result depend on besides its photo, as JSON.

    Args:
        deblurrer: with the one tile that all results are made with.
    """
    return {
        "unblur": __version__,
        "model": deblurrer.engine.digest,
        "strength": strength,
        "best": deblurrer.best,
        "scale": deblurrer.scale,
        "tile": deblurrer.tile,
    }


def deblur_folder(
    deblurrer: Deblurrer,
    options: Options,
    jobs: Iterable[Job],
    threads: int = 3,
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """Runs the jobs that are not done yet (`resume.state`); see `runner.run`."""

    def one(job: Job) -> Outcome:
        state = "new" if options.overwrite else resume.state(Path(job.path), Path(job.out))
        if state == "foreign":
            reason = "exists already, and is of another photo or was changed since"
            raise UnblurError(reason, file=Path(job.out), hint=Hint("overwrite"))
        if state == "done":
            return Outcome("skipped")
        return _deblur_into_place(deblurrer, options, job)

    return run(partial(attempt, one, several=True), jobs, threads, stop)


def _deblur_into_place(deblurrer: Deblurrer, options: Options, job: Job) -> Outcome:
    """Deblurs into a temporary name, sets its modification time to the photo's, and renames it."""
    path, out = Path(job.path), Path(job.out)
    before = path.stat()
    # The same name in every run, so that a video finds the parts it had finished before a kill.
    name = hashlib.sha256(bytes(out)).hexdigest()[:16]
    made = out.with_name(f"{files.STRAY}{name}{out.suffix}")
    try:
        outcome = deblur_one(deblurrer, options, Job(job.path, str(made)))
        if not resume.carry_time(path, made, before):
            raise UnblurError("was changed while it was deblurred; run again")
        files.put(made, out)
    except UnblurError as error:
        # The temporary name means nothing to the user.
        error.file = out if error.file == made else error.file
        raise
    finally:
        made.unlink(missing_ok=True)
    return outcome
