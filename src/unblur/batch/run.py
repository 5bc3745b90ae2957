"""A run of `unblur deblur`: from its command line to its exit code."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from unblur.batch import (
    Options,
    Result,
    deblur_files,
    deblur_folder,
    is_video,
    resume,
    settings_of,
)
from unblur.batch.plan import Job, Plan, plan
from unblur.batch.report import Report, say
from unblur.batch.stream import STANDARD, deblur_stream
from unblur.cli.progress import bar
from unblur.errors import UnblurError
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.engine import Precision
from unblur.inference.memory import tile_for_memory
from unblur.photo import locked

DONE, FAILED, WRONG, STOPPED = 0, 1, 2, 130
"""Exit codes: all done; some input failed; the command line is wrong; stopped with Ctrl-C."""


def deblur_all(
    inputs: list[Path],
    out: Path | None,
    options: Options,
    model: str = "default",
    tile: int | None = None,
    threads: int = 3,
    as_json: bool = False,
    best: bool = False,
    verbose: bool = False,
    precision: Precision = "auto",
) -> int:
    """Deblurs photos and folders of them, and says so (`Report`). Returns the exit code."""
    folders = [path for path in inputs if path.is_dir()]
    try:
        wrong = _what_is_wrong(inputs, out, folders, as_json)
        if wrong:
            say(wrong)
            return WRONG
        deblurrer = Deblurrer(model, tile=tile, precision=precision, best=best)
    except UnblurError as error:
        say(str(error))
        return WRONG
    if verbose and not folders:
        say(f"{model}, {deblurrer.description}")
    if STANDARD in (*inputs, out):
        return _deblur_stream(deblurrer, inputs[0], out, options, as_json)
    if not folders:
        todo = plan(inputs, out)
        with Report(todo, None, as_json) as report, _frames(todo) as frames, _stoppable() as stop:
            options = replace(options, report=frames)
            for result in deblur_files(deblurrer, todo.jobs, options, threads, stop):
                report.add(result)
        return _end(report)
    assert out is not None
    settings = settings_of(deblurrer, options.strength, tile)
    try:
        with locked(out):
            # One tile for all, and after a kill as before it: with memory at hand it would vary,
            # and with it the last digit of the results.
            deblurrer.tile = settings["tile"] = (
                tile
                or (None if options.overwrite else resume.settings_in(out).get("tile"))
                or tile_for_memory(deblurrer.engine.contract.tile)
            )
            if verbose:
                say(f"{model}, {deblurrer.description}")
            todo = plan(inputs, out, is_video)
            resume.begin(out, settings, todo.jobs, options.overwrite)
            with Report(todo, out, as_json) as report, _stoppable(todo) as stop:
                for result in deblur_folder(deblurrer, todo.jobs, options, threads, stop):
                    report.add(result)
            clashing = {clash.path for clash in todo.clashes}
            failures = (f for f in report.failures if f.path not in clashing)
            if not report.left and not any(_keeps_old(f) for f in failures):
                resume.finish(out, settings)
            return _end(report)
    except UnblurError as error:
        say(str(error))
    except OSError as error:
        say(f"{out} cannot be written to ({error.strerror})")
    return FAILED


def _what_is_wrong(
    inputs: list[Path], out: Path | None, folders: list[Path], as_json: bool
) -> str | None:
    """One line on a command line that cannot be followed; None of one that can."""
    if STANDARD in inputs and len(inputs) > 1:
        return "- is standard input, one photo, and comes alone"
    if out == STANDARD and (len(inputs) > 1 or folders):
        return "-o - is standard output, which takes one photo"
    if out == STANDARD or (STANDARD in inputs and out is None):
        if as_json:
            return "--json and the photo would both go to standard output: name a file with -o"
        if os.isatty(1):
            return "the photo would go to the terminal: name a file with -o, or redirect it"
        return None
    if out is None:
        return (
            f"{folders[0]} is a folder: name another for its results with -o" if folders else None
        )
    if STANDARD in inputs:
        return (
            f"{out} is a folder: name a file for standard input's photo" if out.is_dir() else None
        )
    if folders and out.exists() and not out.is_dir():
        return f"{out} is a file: name a folder for the results of {folders[0]}"
    for folder in folders:
        if out.exists() and out.samefile(folder):
            return f"{out} is the folder of the photos: name another with -o"
    if not folders and len(inputs) > 1 and out.suffix and not out.is_dir():
        return f"{out} is one file, but there are {len(inputs)} photos: name a folder"
    return None


def _deblur_stream(
    deblurrer: Deblurrer, path: Path, out: Path | None, options: Options, as_json: bool
) -> int:
    began = time.perf_counter()
    out = out or STANDARD
    named = "standard input" if path == STANDARD else str(path)
    with Report(Plan([Job(named, str(out))]), None, as_json) as report:
        try:
            changed = deblur_stream(deblurrer, path, out, options)
        except UnblurError as error:
            report.add(Result(named, str(out), "failed", 0.0, str(error)))
        except OSError as error:
            report.add(Result(named, str(out), "failed", 0.0, error.strerror))
        else:
            if out == STANDARD:
                return DONE  # a line about the photo would be in the photo
            status = "done" if changed else "unchanged"
            report.add(Result(named, str(out), status, round(time.perf_counter() - began, 3)))
    return _end(report)


def _end(report: Report) -> int:
    report.end()
    if report.left:
        again = "; the same command goes on with them" if report.folder else ""
        say(f"stopped, {report.left} left{again}")
        return STOPPED
    return FAILED if report.failures else DONE


def _keeps_old(failure: Result) -> bool:
    """Whether an old result may be in place still: of other settings, if those were replaced."""
    return failure.out is None or Path(failure.out).exists()


@contextmanager
def _frames(todo: Plan) -> Iterator[Callable[[int, int], None]]:
    """A bar of the frames, if all that is to be done is one video."""
    if len(todo.jobs) != 1 or not is_video(Path(todo.jobs[0].path)):
        yield lambda done, total: None
        return
    with bar() as advance:
        yield advance


@contextmanager
def _stoppable(todo: Plan | None = None) -> Iterator[threading.Event]:
    """An event that Ctrl-C sets; the second one ends the program at once.

    Args:
        todo: whose result folders are then swept, if no other run works in them.
    """
    stop = threading.Event()

    def on_signal(*_: object) -> None:
        if stop.is_set():
            for folder in {str(Path(job.out).parent) for job in todo.jobs} if todo else ():
                resume.sweep(Path(folder))
            os._exit(STOPPED)
        stop.set()
        # Not through Python's streams, in the middle of whose work this may be.
        os.write(2, b"\nunblur: finishing the photos at hand; Ctrl-C again drops them\n")

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
