"""What a run has to do: the photos of the source that are not done, as a list in the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unblur.bulk.manifest import Record
from unblur.bulk.store import Store

WORK = ".unblur/work"
"""Folder of work lists under the target: `WORK/RUN/work-00000.parquet`, ..."""
COLUMNS = ("place", "source", "size", "version", "reason")
"""Columns of a work list: those of `Found`, `source` being its `url`. A photo with a reason is a
failure, and needs no reading. The version is "" where it was not looked up."""


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """What a run has to do.

    Attributes:
        target: where results and manifest go.
        run: its name.
        settings: digest of the settings.
        work: places under the target of the files of the work list, each whole.
        total: photos in the work list.
        skipped: photos that are done, and are left out.
        killed_before: photos that were set aside by earlier runs, and are left out.
        videos: videos in the source, which are left out.
        others: other files in the source.
    """

    target: Store
    run: str
    settings: str
    work: tuple[str, ...]
    total: int
    skipped: int
    killed_before: tuple[Record, ...]
    videos: int
    others: int


def make_plan(
    source: str,
    target: Store,
    settings: str,
    overwrite: bool = False,
    retry_killed: bool = False,
    run: str = "",
    report: Callable[[int], None] = lambda listed: None,
) -> BulkPlan:
    """Lists the source, and writes what is left to do into the target.

    Args:
        source: as of `listed`.
        settings: digest of the settings that results depend on.
        overwrite: whether the target may hold files and no manifest.
        retry_killed: whether photos that were set aside are tried again.
        run: name of the run, for names of files; by default a new one.
        report: called with the number of photos that were listed so far, every thousand.

    Raises:
        UnblurError: if source or target cannot be used, are the same, or the target holds files of
            others.
    """
    raise NotImplementedError


def discard_work(target: Store, run: str | None = None) -> None:
    """Removes the work list of a run, or those of all runs."""
    raise NotImplementedError


def new_run() -> str:
    """A name for a run: the time in UTC and something random; later ones sort behind."""
    raise NotImplementedError
