"""`unblur inspect`: how blurred photos are, and where; the blurred ones, the best of bursts."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from unblur.cli.errors import FAILED, STOPPED, WRONG, fail, in_words
from unblur.cli.options import Place, is_folder, place, takes
from unblur.cli.stopping import stoppable
from unblur.errors import UnblurError
from unblur.inference.options import EXACT, MAX_PIXELS, MODEL, option

if TYPE_CHECKING:
    from unblur.batch.inspecting import Found
    from unblur.batch.plan import Job, Plan
    from unblur.cli.inspect_report import Report

BESIDE = "-"
"""The value of --map without one: a map beside each photo."""
_BESIDE = place(BESIDE)
_ORDERS = ("blurred", "sharp")


def _is_place(text: str) -> bool:
    """Whether a word after --map is where the maps go, not a photo."""
    named = place(text)
    return named.folder or named.path.suffix.lower() == ".png" or not named.is_file


@dataclass(frozen=True)
class Options:
    inputs: tuple[Path, ...] = option(..., "Photos and folders.", argument=True, metavar="INPUT")
    below: float | None = option(
        None, "List only photos with a score below this.", least=0, most=100, metavar="SCORE"
    )
    best: int | None = option(
        None, "List only the N sharpest photos of each burst.", least=1, metavar="N"
    )
    copy_to: Path | None = option(None, "Copy the listed photos into a folder.", metavar="FOLDER")
    link_to: Path | None = option(
        None, "Make hard links to the listed photos in a folder.", metavar="FOLDER"
    )
    map: Place | None = option(
        None,
        "Draw the blur on each photo, as PNG: into a file, a folder, or NAME-map.png beside it.",
        metavar="[FILE|FOLDER]",
        bare=BESIDE,
        is_value=_is_place,
        read=place,
    )
    sort: Literal["blurred", "sharp"] | None = option(
        None,
        "List the most blurred (or the sharpest) first, once all are inspected.",
        metavar="[blurred|sharp]",
        bare="blurred",
        is_value=_ORDERS.__contains__,
    )
    exact: bool = option(False, EXACT)
    json: bool = option(False, "Print one JSON object per input, then a summary.")
    model: str = option("default", MODEL)
    jobs: int | None = option(
        None, "Photos at a time, by default one per core; fewer need less memory.", least=1
    )
    max_pixels: int | None = option(None, MAX_PIXELS)
    overwrite: bool = option(False, "Replace maps that exist.")


@takes(Options)
def inspect(given: Options) -> None:
    """Tell how sharp photos are (0 to 100), how they are blurred, and where."""
    wrong = _what_is_wrong(given)
    if wrong:
        fail(wrong, WRONG)
    try:
        raise typer.Exit(_run(given))
    except KeyboardInterrupt:
        fail("stopped", STOPPED)
    except UnblurError as error:
        fail(in_words(error), FAILED)


def _what_is_wrong(given: Options) -> str | None:
    """What makes a command line impossible to follow; None if nothing does."""
    folders = [path for path in given.inputs if is_folder(path)]
    if given.copy_to and given.link_to:
        return "--copy-to and --link-to: choose one of them"
    target = given.copy_to or given.link_to
    if target:
        name = "--copy-to" if given.copy_to else "--link-to"
        if given.below is None and given.best is None:
            return f"{name} needs --below SCORE or --best N, which choose the photos"
        if target.exists() and not target.is_dir():
            return f"{target} is a file: name a folder for the photos"
    maps = given.map
    if maps == _BESIDE and folders:
        return f"{folders[0]} is a folder: name another for its maps with --map"
    if maps and maps.folder and maps.is_file:
        return f"{maps.path} is a file: name a folder for the maps"
    if maps and maps != _BESIDE and not maps.is_folder:
        if maps.path.suffix.lower() != ".png":
            return f"{maps.path}: maps are PNG files: name a .png, or a folder"
        if folders or len(given.inputs) > 1:
            return f"{maps.path} is one file, but there are several photos: name a folder"
    for home in (target, maps and maps.path):
        for folder in folders:
            if home and home.exists() and home.samefile(folder):
                return f"{home} is the folder of the photos: name another"
    return None


def _run(given: Options) -> int:
    """Inspects the inputs; returns the exit code."""
    from unblur import photo
    from unblur.batch.collect import check_links
    from unblur.batch.inspecting import Inspecting, in_order
    from unblur.batch.plan import find
    from unblur.batch.runner import run
    from unblur.cli.inspect_report import Report
    from unblur.cli.progress import photos_bar
    from unblur.inference.inspector import Inspector

    try:
        inspector = Inspector(given.model, exact=given.exact)
    except UnblurError as error:
        fail(in_words(error), WRONG)
    target, folders = given.copy_to or given.link_to, any(is_folder(path) for path in given.inputs)
    maps = given.map.path if given.map and given.map != _BESIDE else None
    apart = [path for path in (target, maps) if path]
    todo = find(given.inputs, apart)
    if given.link_to and todo.jobs and Path(todo.jobs[0].path).is_file():
        # Now, not after an hour of work.
        check_links(Path(todo.jobs[0].path), given.link_to)
    one = Inspecting(
        inspector,
        given.max_pixels or photo.MAX_PIXELS,
        given.best is not None,
        _maps(given, todo),
        given.overwrite,
    )
    report = Report(todo, given.json, target, chosen=given.below is not None or bool(given.best))
    threads = given.jobs or min(os.cpu_count() or 1, 8)
    silent = (lambda skipped, failed: None), None
    bar = photos_bar(len(todo.jobs)) if folders else nullcontext(silent)
    kept: list[Found] = []
    with bar as (advance, _), stoppable() as stop:
        for found in in_order(run(one, todo.jobs, threads, stop), todo.jobs):
            if found.error is not None:
                report.fail(found.job.path, found.error, found.seconds)
            elif given.sort or given.best:
                kept.append(found)
            else:
                _settle(given, report, found)
            advance(False, report.failed)
    if given.best and report.failed + len(kept) < len(todo.jobs) + len(todo.failures):
        return report.end(len(kept))  # the best of a part are not the best
    _settle_all(given, report, kept)
    return report.end()


def _settle_all(given: Options, report: Report, kept: list[Found]) -> None:
    """Chooses and sorts what could be told only in the end."""
    from unblur.inspection.bursts import best, bursts

    scores = [found.inspection.score for found in kept if found.inspection]
    numbers = bursts([found.shot for found in kept if found.shot]) if given.best else []
    chosen = best(numbers, scores, given.best) if given.best else [True] * len(kept)
    order = list(range(len(kept)))
    if given.sort:
        order.sort(key=lambda i: scores[i] if given.sort == "blurred" else -scores[i])
    for index in order:
        burst = numbers[index] if given.best else None
        _settle(given, report, kept[index], chosen[index], burst)


def _settle(
    given: Options, report: Report, found: Found, chosen: bool = True, burst: int | None = None
) -> None:
    """Lists a photo, and copies or links it, if it is chosen."""
    from unblur.batch.collect import collect
    from unblur.batch.runner import input_errors

    assert found.inspection is not None
    chosen = chosen and (given.below is None or found.inspection.score < given.below)
    target = given.copy_to or given.link_to
    out = target / found.job.out if target and chosen else None
    if out:
        try:
            with input_errors():
                collect(Path(found.job.path), out, link=given.link_to is not None)
        except UnblurError as error:
            report.fail(found.job.path, error, found.seconds)
            return
    report.add(found, chosen, burst, out)


def _maps(given: Options, todo: Plan) -> Callable[[Job], Path | None]:
    """Where each photo's map goes; no two have one, and none has an input's place."""
    named = given.map
    if named is None:
        return lambda job: None

    def of(job: Job) -> Path:
        if named == _BESIDE:
            path = Path(job.path)
            return path.with_name(f"{path.stem}-map.png")
        return named.path / f"{job.out}.png" if named.is_folder else named.path

    owners: dict[Path, str] = {Path(job.path).absolute(): "" for job in todo.jobs}
    for job in todo.jobs:
        owners.setdefault(of(job).absolute(), job.path)

    def checked(job: Job) -> Path:
        owner = owners[of(job).absolute()]
        if owner == job.path:
            return of(job)
        if owner:
            raise UnblurError(f"would have its map in {of(job)}, as {owner} does")
        raise UnblurError(f"would have its map written over the photo {of(job)}")

    return checked
