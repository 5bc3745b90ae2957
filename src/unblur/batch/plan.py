"""Finds the photos of a run, and where each result goes, before anything is done."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from unblur.errors import UnblurError
from unblur.inference.deblur_file import beside, written_ending
from unblur.photo import READABLE
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
    """

    status: Literal["done", "unchanged", "skipped"]
    score: int | None = None
    left: bool = False
    written: bool = True
    scales: Mapping[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of an input: `seconds` that it took, and the `error` if it failed.

    "unchanged" is a photo that needed no deblurring, "skipped" one that was done before; `out` is
    None where there can be none. `score`, `left` and `scales` are those of its `Outcome`.
    """

    path: str
    out: str | None
    status: Literal["done", "unchanged", "skipped", "failed"]
    seconds: float = 0.0
    error: UnblurError | None = None
    score: int | None = None
    left: bool = False
    scales: Mapping[float, float] | None = None


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
    """Lists the inputs and, in folders, all photos and videos by their ending, but hidden files.

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
            _walk(given, str(out), todo, {_identity(out)}, _named)
        else:
            todo.jobs.append(Job(str(given), str(_target(given, out, folder))))
    if len(todo.jobs) > 1:
        _take_out_clashes(todo, _same_name(out))
    return todo


def find(inputs: Iterable[Path], apart: Iterable[Path] = ()) -> Plan:
    """Lists the inputs and, in folders, all photos as `plan` does, but with no results.

    Args:
        apart: folders that are left out, if they exist, when they lie inside an input.

    Returns:
        A plan whose jobs' `out` is the photo's place in the input, as a relative path.
    """
    todo = Plan()
    left_out = {_identity(folder) for folder in apart if _is_folder(folder)}
    for given in inputs:
        if _is_folder(given):
            found = Plan()
            _walk(given, "", found, left_out, lambda path: path.name)
            photos = [job for job in found.jobs if Path(job.path).suffix.lower() in READABLE]
            todo.jobs += photos
            todo.videos += len(found.jobs) - len(photos)
            todo.failures += found.failures
            todo.loops += found.loops
            todo.others += found.others
        else:
            todo.jobs.append(Job(str(given), given.name))
    return todo


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - `Path.is_dir` raises where it may not look


def _target(given: Path, out: Path | None, folder: bool) -> Path:
    if out is None:
        return beside(given)
    return out if out.suffix and not (folder or _is_folder(out)) else out / _named(given)


def _named(path: Path) -> str:
    return path.stem + written_ending(path)


def _walk(
    root: Path, out: str, todo: Plan, left_out: set[tuple[int, int]], name: Callable[[Path], str]
) -> None:
    """Adds a tree to a plan.

    Args:
        out: what is put before the place of a photo in the tree.
        left_out: identities of folders that are not entered.
        name: of a photo's or a folder's result.
    """
    waiting = [(str(root), out, ())]
    while waiting:
        folder, home, above = waiting.pop()
        try:
            here = _identity(folder)
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda e: os.fsencode(e.name))
        except OSError as error:
            todo.failures.append(_failed(folder, None, _reason(error)))
            continue
        if here in left_out:
            continue
        if here in above:
            todo.loops.append(folder)
            continue
        folders = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            target = os.path.join(home, name(Path(entry.name)))  # noqa: PTH118 (fast: of millions)
            try:
                if entry.is_dir():
                    folders.append((entry.path, target, (*above, here)))
                elif _is_photo(entry) or (entry.is_file() and is_video(Path(entry.path))):
                    todo.jobs.append(Job(entry.path, target))
                else:
                    todo.others += 1
            except OSError as error:
                if error.errno == errno.ELOOP:
                    todo.loops.append(entry.path)
                else:
                    todo.failures.append(_failed(entry.path, target, _reason(error)))
        waiting.extend(reversed(folders))


def _is_photo(entry: os.DirEntry[str]) -> bool:
    if Path(entry.name).suffix.lower() not in READABLE:
        return False
    # Reading a pipe would block; stat raises for a broken link.
    return stat.S_ISREG(entry.stat().st_mode)


def _failed(path: str, out: str | None, reason: str) -> Result:
    return Result(path, out, "failed", error=UnblurError(reason))


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "is a symbolic link to nothing"
    return f"cannot be read ({error.strerror})"


def _identity(folder: str | Path) -> tuple[int, int]:
    found = Path(folder).stat()
    return found.st_dev, found.st_ino


def _take_out_clashes(todo: Plan, same: Callable[[str], str]) -> None:
    """Leaves out all but the first of inputs with one result, and those that replace an input."""
    inputs = {same(_absolute(job.path)) for job in todo.jobs}
    owners: dict[str, str] = {}
    kept = []
    for job in todo.jobs:
        key = same(_absolute(job.out))
        reason = None
        if key in owners:
            reason = f"would be written to {job.out}, as {owners[key]} will be"
        elif key in inputs:
            reason = f"would be written over the input {job.out}"
        if reason:
            todo.clashes.append(_failed(job.path, job.out, reason))
        else:
            owners[key] = job.path
            kept.append(job)
    todo.jobs = kept


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 (without "..", which pathlib leaves in)


def _same_name(out: Path | None) -> Callable[[str], str]:
    """Returns a function that maps names that are one on the output's file system to one."""
    if out is None or not _is_folder(out) or not _folds_case(out):
        return os.path.normcase
    return lambda name: unicodedata.normalize("NFC", name).casefold()


def _folds_case(folder: Path) -> bool:
    try:
        with tempfile.NamedTemporaryFile(prefix=".unblur-case-", dir=folder) as file:
            return Path(file.name.replace(".unblur-case-", ".UNBLUR-CASE-")).exists()
    except OSError as error:
        raise UnblurError(f"cannot be written to ({error.strerror})", file=folder) from None
