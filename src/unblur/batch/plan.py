"""Finds the photos of a run, and where each result goes, before anything is done."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from unblur.errors import Hint, UnblurError
from unblur.inference.deblur_file import beside, result_name
from unblur.photo import walk
from unblur.photo.folders import Entry, identity
from unblur.video import is_video


@dataclass(frozen=True, slots=True)
class Job:
    """A photo, and where its result goes; strings, as a tree may hold a million photos."""

    path: str
    out: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done with a photo: "skipped" if nothing, as it was done before.

    Attributes:
        score: its sharpness, if that was measured.
        left: whether it is sharp enough, and was not deblurred for that.
        written: whether there is a result.
        scales: share of the photo that was deblurred at each scale; None if none was, or of a
            video.
        notes: what the result does not have of its input, in a line each.
    """

    status: Literal["done", "unchanged", "skipped"]
    score: int | None = None
    left: bool = False
    written: bool = True
    scales: Mapping[float, float] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of an input: `seconds` that it took, and the `error` if it failed.

    "unchanged" is a photo that needed no deblurring, "skipped" one that was done before; `out` is
    None where there can be none. `score`, `left`, `scales` and `notes` are those of its `Outcome`.
    """

    path: str
    out: str | None
    status: Literal["done", "unchanged", "skipped", "failed"]
    seconds: float = 0.0
    error: UnblurError | None = None
    score: int | None = None
    left: bool = False
    scales: Mapping[float, float] | None = None
    notes: tuple[str, ...] = ()


@dataclass
class Plan:
    """The jobs in their order: inputs as given, in a folder files by name, then its folders."""

    jobs: list[Job] = field(default_factory=list)
    clashes: list[Result] = field(default_factory=list)
    """Inputs left out because their result would replace another's, or an input."""
    failures: list[Result] = field(default_factory=list)
    """Folders that cannot be read, and broken symbolic links."""
    loops: list[str] = field(default_factory=list)
    """Symbolic links to a folder that they are in, which are not followed."""
    others: int = 0
    """Number of files that are no photos or videos."""
    videos: int = 0
    """Number of videos that were found where only photos are looked for."""


def plan(inputs: Iterable[Path], out: Path | None, folder: bool = False) -> Plan:
    """Lists the inputs and, in folders, all photos (`photo.walk`) and videos.

    Args:
        inputs: files, whatever their ending, and folders.
        out: the file for the only input's result, or a folder, in which the tree of an input folder
            is mirrored, and which then exists. None puts each result beside its input.
        folder: whether `out` is a folder; else it is one if it exists or its name has no ending.

    Raises:
        UnblurError: if `out` cannot be written to.
    """
    todo = Plan()
    for given in inputs:
        if _is_folder(given):
            assert out is not None
            _add_tree(given, out, todo)
        else:
            todo.jobs.append(Job(str(given), str(_target(given, out, folder))))
    if len(todo.jobs) > 1:
        _take_out_clashes(todo, _same_name(out, todo.jobs))
    return todo


def find(inputs: Iterable[Path], apart: Iterable[Path] = ()) -> Plan:
    """Lists the inputs and, in folders, all photos as `plan` does, but with no results.

    Args:
        apart: folders that are left out, if they exist, when they lie inside an input.

    Returns:
        A plan whose jobs' `out` is the photo's place in the input, as a relative path.
    """
    todo = Plan()
    left_out = {identity(folder) for folder in apart if _is_folder(folder)}
    for given in inputs:
        if not _is_folder(given):
            todo.jobs.append(Job(str(given), given.name))
            continue
        for found in walk(given, left_out):
            if found.kind == "photo":
                todo.jobs.append(Job(found.path, found.place))
            elif found.kind == "other" and _is_video(found.path):
                todo.videos += 1
            else:
                _note(todo, found, None)
    return todo


def _add_tree(root: Path, out: Path, todo: Plan) -> None:
    for found in walk(root, {identity(out)}):
        folder = os.path.join(out, os.path.dirname(found.place))  # noqa: PTH118, PTH120
        target = os.path.join(folder, result_name(found.path))  # noqa: PTH118
        if found.kind == "photo" or (found.kind == "other" and _is_video(found.path)):
            todo.jobs.append(Job(found.path, target))
        else:
            _note(todo, found, None if _is_folder(found.path) else target)


def _is_video(path: str) -> bool:
    # Reading a pipe would block.
    return Path(path).is_file() and is_video(Path(path))


def _note(todo: Plan, found: Entry, target: str | None) -> None:
    """Notes what is no job."""
    if found.kind == "loop":
        todo.loops.append(found.path)
    elif found.kind == "unreadable":
        todo.failures.append(_failed(found.path, target, found.reason))
    else:
        todo.others += 1


def _is_folder(path: str | Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - `Path.is_dir` raises where it may not look


def _target(given: Path, out: Path | None, folder: bool) -> Path:
    if out is None:
        return beside(given)
    return out if out.suffix and not (folder or _is_folder(out)) else out / result_name(given)


def _failed(path: str, out: str | None, reason: str, hint: Hint | None = None) -> Result:
    return Result(path, out, "failed", error=UnblurError(reason, hint=hint))


def _take_out_clashes(todo: Plan, same: Callable[[str], str]) -> None:
    """Leaves out all but one of the inputs with one result, and those that replace an input.

    The one is the first whose result has its own ending: a JPEG comes before the HEIC beside it.
    """
    inputs = {same(_absolute(job.path)) for job in todo.jobs}
    owners: dict[str, Job] = {}
    for job in sorted(todo.jobs, key=_is_renamed):
        owners.setdefault(same(_absolute(job.out)), job)
    kept = []
    for job in todo.jobs:
        key = same(_absolute(job.out))
        owner, reason = owners[key], None
        if owner is not job:
            reason = f"would be written to {job.out}, as {owner.path} will be"
        elif key in inputs:
            reason = f"would be written over the input {job.out}"
        if reason:
            todo.clashes.append(_failed(job.path, job.out, reason, Hint("alone")))
        else:
            kept.append(job)
    todo.jobs = kept


def _is_renamed(job: Job) -> bool:
    path, out = (os.path.splitext(name)[1] for name in (job.path, job.out))  # noqa: PTH122
    return path != out


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 (without "..", which pathlib leaves in)


def _same_name(out: Path | None, jobs: list[Job]) -> Callable[[str], str]:
    """Returns a function that maps names that are one on the output's file system to one."""
    folder = Path(jobs[0].out).parent if out is None else out
    try:
        folds = _is_folder(folder) and _folds_case(folder)
    except UnblurError:
        if out is not None:
            raise
        folds = False  # the other photos' folders may be writable
    if not folds:
        return os.path.normcase
    return lambda name: unicodedata.normalize("NFC", name).casefold()


def _folds_case(folder: Path) -> bool:
    try:
        with tempfile.NamedTemporaryFile(prefix=".unblur-case-", dir=folder) as file:
            return Path(file.name.replace(".unblur-case-", ".UNBLUR-CASE-")).exists()
    except OSError as error:
        raise UnblurError(f"cannot be written to ({error.strerror})", file=folder) from None
