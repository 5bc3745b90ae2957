"""`unblur deblur`: photos, videos, and folders of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from unblur.cli.errors import FAILED, STOPPED, WRONG, fail, in_words
from unblur.cli.options import Place, is_folder, place, takes
from unblur.cli.output import say
from unblur.cli.stopping import stoppable
from unblur.errors import UnblurError
from unblur.inference.options import (
    BEST,
    FULL,
    MAX_PIXELS,
    MODEL,
    SCALE,
    SHARP,
    STRENGTH,
    TILE,
    TRUST,
    Precision,
    Scale,
    is_score,
    option,
)

if TYPE_CHECKING:
    from unblur.batch.runner import Options as How
    from unblur.batch.sharp import Sharp
    from unblur.inference.deblurrer import Deblurrer

STANDARD = Path("-")
"""Standard input, or standard output."""


@dataclass(frozen=True)
class Options:
    inputs: tuple[Path, ...] = option(
        ..., "Photos, videos, folders; - is standard input.", argument=True, metavar="INPUT"
    )
    out: Place | None = option(
        None,
        "Output file or folder; by default NAME-deblurred; - is standard output.",
        short="-o",
        read=place,
        metavar="PATH",
    )
    model: str = option("default", MODEL)
    trust: bool = option(False, TRUST)
    strength: float = option(FULL, STRENGTH)
    best: bool = option(False, BEST)
    scale: Scale = option("auto", SCALE)
    precision: Precision = option(
        "auto", "Arithmetic on a CPU: auto is the fastest; f32 gives the same on all."
    )
    tile: int | None = option(None, TILE)
    overwrite: bool = option(False, "Replace files that exist.")
    jobs: int = option(3, "Photos at a time; fewer need less memory.", least=1)
    json: bool = option(False, "Print one JSON object per input, then a summary.")
    only_blurred: float | None = option(
        None,
        f"Deblur only photos with a sharpness score (unblur inspect) below SCORE, {SHARP} if none "
        "is named; copy the others as they are. Videos are deblurred whole.",
        least=0,
        most=100,
        metavar="[SCORE]",
        bare=str(SHARP),
        is_value=is_score,
    )
    max_pixels: int | None = option(None, MAX_PIXELS)
    codec: str = option(
        "auto", "Codec of videos: auto (the input's), h264, hevc, vp9, av1, ffv1, ..."
    )
    quality: int | None = option(
        None, "Quality of videos on the codec's own scale; lower is better.", least=0
    )
    verbose: bool = option(
        False,
        "Print the network, its device and its arithmetic, and the scales of each photo that was "
        "not deblurred at full size alone.",
    )


@takes(Options)
def deblur(given: Options) -> None:
    """Deblur photos, videos, and folders of them; the same command again continues a folder."""
    wrong = _what_is_wrong(given)
    if wrong:
        fail(wrong, WRONG)
    try:
        raise typer.Exit(_run(given))
    except KeyboardInterrupt:
        fail("stopped", STOPPED)


def _what_is_wrong(given: Options) -> str | None:
    """What makes a command line impossible to follow; None if nothing does."""
    inputs, out = given.inputs, given.out
    folders = [path for path in inputs if is_folder(path)]
    if STANDARD in inputs and len(inputs) > 1:
        return "- is standard input, one photo, and comes alone"
    to_standard = out is not None and out == place("-")
    if to_standard and (len(inputs) > 1 or folders):
        return "-o - is standard output, which takes one photo"
    if to_standard or (STANDARD in inputs and out is None):
        if given.json:
            return "--json and the photo would both go to standard output: name a file with -o"
        if os.isatty(1):
            return "the photo would go to the terminal: name a file with -o, or redirect it"
        return None
    if out is None:
        return (
            f"{folders[0]} is a folder: name another for its results with -o" if folders else None
        )
    if STANDARD in inputs:
        named = out.folder or is_folder(out.path)
        return f"{out.path} is a folder: name a file for the photo" if named else None
    if out.is_file and (folders or out.folder):
        return f"{out.path} is a file: name a folder for the results of {[*folders, *inputs][0]}"
    for folder in folders:
        if out.path.exists() and out.path.samefile(folder):
            return f"{out.path} is the folder of the photos: name another with -o"
    if not folders and len(inputs) > 1 and out.path.suffix and not out.is_folder:
        return f"{out.path} is one file, but there are {len(inputs)} photos: name a folder"
    return None


def _run(given: Options) -> int:
    """Deblurs the inputs; returns the exit code."""
    from unblur import photo
    from unblur.batch.runner import Options as How
    from unblur.cli.opening import opening, say_of
    from unblur.inference.deblurrer import Deblurrer

    try:
        with opening():
            deblurrer = Deblurrer(
                given.model,
                tile=given.tile,
                precision=given.precision,
                best=given.best,
                scale=given.scale,
                trust=given.trust,
            )
    except UnblurError as error:
        fail(in_words(error), WRONG)
    say_of(given.model, deblurrer.note)
    limit = given.max_pixels or photo.MAX_PIXELS
    how = How(given.strength, given.overwrite, limit, given.codec, given.quality, warn=say)
    try:
        how = replace(how, sharp=_sharp(deblurrer, given))
        if any(is_folder(path) for path in given.inputs):
            return _deblur_into_folder(deblurrer, given, how)
        if given.verbose:
            say(f"{given.model}, {deblurrer.description}")
        if STANDARD in given.inputs or given.out == place("-"):
            return _deblur_stream(deblurrer, given, how)
        return _deblur_files(deblurrer, given, how)
    except UnblurError as error:
        fail(in_words(error), FAILED)


def _sharp(deblurrer: Deblurrer, given: Options) -> Sharp | None:
    if given.only_blurred is None:
        return None
    from unblur.batch.sharp import Sharp
    from unblur.inference.inspector import Inspector

    # Without a place for results, a copy beside each photo would only be in the way.
    copied = given.out is not None or STANDARD in given.inputs
    inspector = Inspector(deblurrer.engine, tile=given.tile, precision=given.precision)
    return Sharp(inspector, given.only_blurred, copied)


def _deblur_files(deblurrer: Deblurrer, given: Options, how: How) -> int:
    from unblur.batch.plan import plan
    from unblur.batch.runner import attempt, deblur_one, run
    from unblur.cli.report import Report

    out = given.out
    todo = plan(given.inputs, out and out.path, out is not None and out.folder)
    with Report(todo, None, given.json, given.verbose) as report, stoppable() as stop:
        how = replace(how, report=report.progress)
        several = len(given.inputs) > 1
        one = partial(attempt, partial(deblur_one, deblurrer, how), several=several)
        for result in run(one, todo.jobs, given.jobs, stop):
            report.add(result)
    return report.end()


def _deblur_into_folder(deblurrer: Deblurrer, given: Options, how: How) -> int:
    from unblur.batch import folder
    from unblur.cli.report import Report

    assert given.out is not None
    out = given.out.path
    with folder.begin(deblurrer, given.inputs, out, how, given.tile) as run:
        if given.verbose:
            say(f"{given.model}, {run.deblurrer.description}")
        shown = Report(run.plan, out, given.json, given.verbose)
        with shown as report, stoppable() as stop:
            run.options = replace(how, report=report.progress)
            for result in run.results(given.jobs, stop):
                report.add(result)
    return report.end()


def _deblur_stream(deblurrer: Deblurrer, given: Options, how: How) -> int:
    from unblur.batch.plan import Job, Plan
    from unblur.batch.runner import attempt
    from unblur.batch.stream import deblur_stream
    from unblur.cli.report import Report

    path, out = given.inputs[0], given.out.path if given.out else STANDARD
    source = sys.stdin.buffer if path == STANDARD else path
    target = sys.stdout.buffer if out == STANDARD else out
    job = Job("standard input" if path == STANDARD else str(path), str(out))
    with Report(Plan([job]), None, given.json, given.verbose) as report, stoppable():
        how = replace(how, report=lambda _, *news: report.progress(job.path, *news))
        report.add(attempt(lambda _: deblur_stream(deblurrer, how, source, target), job))
    return report.end()
