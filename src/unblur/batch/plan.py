"""Finds the photos of a run, and where each result goes, before anything is done."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import unicodedata
from collections.abc import Callable, Iterable
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
class Result:
    """The outcome of an input: `seconds` that it took, and the `error` if it failed.

    "unchanged" is a photo that needed no deblurring, "skipped" one that was done before; `out` is
    None where there can be none.
    """

    path: str
    out: str | None
    status: Literal["done", "unchanged", "skipped", "failed"]
    seconds: float = 0.0
    error: UnblurError | None = None


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


def plan(inputs: Iterable[Path], out: Path | None) -> Plan:
    """Lists the inputs and, in folders, all photos and videos by their ending, but hidden files.

    Args:
        inputs: files, whatever their ending, and folders.
        out: the file for the only input's result, or a folder, in which the tree of an input folder
            is mirrored, and which then exists. None puts each result beside its input.

    Raises:
        UnblurError: if `out` cannot be written to.
    """
    todo = Plan()
    for given in inputs:
        if given.is_dir():
            assert out is not None
            _walk(given, out, todo)
        else:
            todo.jobs.append(Job(str(given), str(_target(given, out))))
    if len(todo.jobs) > 1:
        _take_out_clashes(todo, _same_name(out))
    return todo


def _target(given: Path, out: Path | None) -> Path:
    if out is None:
        return beside(given)
    return out if out.suffix and not out.is_dir() else out / _named(given)


def _named(path: Path) -> str:
    return path.stem + written_ending(path)


def _walk(root: Path, out: Path, todo: Plan) -> None:
    results = _identity(out)
    waiting = [(str(root), str(out), ())]
    while waiting:
        folder, home, above = waiting.pop()
        try:
            here = _identity(folder)
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda e: os.fsencode(e.name))
        except OSError as error:
            todo.failures.append(_failed(folder, None, _reason(error)))
            continue
        if here == results:
            continue
        if here in above:
            todo.loops.append(folder)
            continue
        folders = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            target = f"{home}{os.sep}{_named(Path(entry.name))}"
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
    if out is None or not out.is_dir() or not _folds_case(out):
        return os.path.normcase
    return lambda name: unicodedata.normalize("NFC", name).casefold()


def _folds_case(folder: Path) -> bool:
    try:
        with tempfile.NamedTemporaryFile(prefix=".unblur-case-", dir=folder) as file:
            return Path(file.name.replace(".unblur-case-", ".UNBLUR-CASE-")).exists()
    except OSError as error:
        raise UnblurError(f"cannot be written to ({error.strerror})", file=folder) from None
