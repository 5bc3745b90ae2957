"""The state of a folder of results, by which a run that was stopped or killed is resumed.

A result has its photo's modification time, and is renamed into place with it. So the two files
alone show whether a photo is done, and no list of them is kept. The settings that all results were
made with are in one small file, so that results of two settings never mix.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from unblur.batch.plan import Job
from unblur.errors import Hint, ResumeError
from unblur.photo import files

SETTINGS = ".unblur.json"
_REPLACING = "replacing"


def begin(out: Path, settings: Mapping[str, Any], jobs: Iterable[Job], overwrite: bool) -> None:
    """Checks that the folder can take the results, and removes unfinished files from it.

    Args:
        settings: all that the results depend on, as JSON.

    Raises:
        ResumeError: if it holds results of other settings, or files that are no results, and they
            are not to be overwritten.
        PhotoError: if the folder cannot be written to.
    """
    before = settings_in(out)
    if before != settings:
        existing = next((job.out for job in jobs if os.path.lexists(job.out)), None)
        if not overwrite:
            _check(out, before, settings, existing)
        # Until every old result is replaced, another run would take them for its own.
        unfinished = {_REPLACING: True} if existing is not None else {}
        _write(out, {**settings, **unfinished})
    sweep(jobs)


def settings_in(out: Path) -> dict[str, Any]:
    """Returns the settings of the folder's results; empty if it has none."""
    try:
        found = json.loads((out / SETTINGS).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def finish(out: Path, settings: Mapping[str, Any]) -> None:
    """Writes down that all results are of these settings, once no other is left."""
    if settings_in(out) != settings:
        _write(out, settings)


def sweep(jobs: Iterable[Job]) -> None:
    """Removes unfinished files from the folders of the results; a video's parts are kept."""
    for folder in {os.path.dirname(job.out) for job in jobs}:  # noqa: PTH120 (fast: of millions)
        files.sweep(Path(folder))


def state(path: Path, out: Path) -> Literal["new", "done", "changed", "foreign"]:
    """Compares a photo with its result: missing, made from it, older than it, or no result of it.

    Raises:
        OSError: if the photo does not exist.
    """
    wanted = path.stat().st_mtime_ns
    try:
        found = out.stat()
    except OSError:
        return "new"
    if _same_time(wanted, found.st_mtime_ns):
        return "done"
    # On POSIX the ctime of a result is when it was renamed into place.
    return "changed" if wanted >= max(found.st_mtime_ns, found.st_ctime_ns) else "foreign"


def carry_time(path: Path, made: Path, before: os.stat_result) -> bool:
    """Sets a result's time to its photo's; returns False if the photo changed since `before`."""
    now = path.stat()
    os.utime(made, ns=(before.st_atime_ns, before.st_mtime_ns))
    return (now.st_mtime_ns, now.st_size) == (before.st_mtime_ns, before.st_size)


def _same_time(wanted: int, stored: int) -> bool:
    """Whether `stored` is `wanted`, in ns, in the resolution of any file system (to 2 s)."""
    steps = (1, 100, 10**3, 10**6, 10**7, 10**9, 2 * 10**9)
    return any(wanted - wanted % step == stored for step in steps)


def _check(
    out: Path, before: dict[str, Any], settings: Mapping[str, Any], existing: str | None
) -> None:
    hint = Hint("overwrite")
    if not before:
        if existing is not None:
            reason = "exists already, and is not a result of such a run"
            raise ResumeError(reason, file=Path(existing), hint=hint)
    elif before.get(_REPLACING):
        reason = "holds results that a run was replacing, which was not finished"
        raise ResumeError(reason, file=out, hint=hint)
    else:
        keys = {**settings, **before}
        differing = [key for key in keys if before.get(key) != settings.get(key)]
        reason = f"holds results made with other settings ({', '.join(differing)})"
        raise ResumeError(reason, file=out, hint=hint)


def _write(out: Path, settings: Mapping[str, Any]) -> None:
    text = json.dumps(dict(settings), indent=2, sort_keys=True) + "\n"
    files.save(text.encode(), out / SETTINGS, overwrite=True)
