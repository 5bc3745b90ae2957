"""What a run has to do: the photos of the source that are not done, as a list in the target."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np

from unblur.bulk.fingerprints import Finished, fingerprints
from unblur.bulk.listing import Found, Listing, listed
from unblur.bulk.manifest import FOLDER, Manifest
from unblur.bulk.records import Record
from unblur.bulk.store import Store
from unblur.errors import Hint, UnblurError
from unblur.photo import is_hidden

WORK = ".unblur/work"
"""Folder of work lists under the target: `WORK/RUN/work-00000.parquet`, ..."""
COLUMNS = ("place", "source", "size", "version", "reason")
"""Columns of a work list: those of `Found`, `source` being its `url`. A photo with a reason is a
failure, and needs no reading. The version is "" where it was not looked up."""
ROWS = 10_000
"""Photos in a file of a work list."""
_BATCH = 1000


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
        UnblurError: if source or target cannot be used, are the same, the target holds files of
            others, or there is no photo in the source.
    """
    run = run or new_run()
    check_target(source, target, overwrite)
    manifest = Manifest(target, run)
    discard_work(target)
    # Before the listing, which may take long, as either may be wrong.
    listing = listed(source, target, lambda places: sorting.knows(places))
    manifest.begin()
    finished, aside = manifest.finished(settings)
    sorting = _Sorting(finished, {} if retry_killed else aside, report)
    work = _Work(target, run)
    for rows in _filled(sorting.left(listing)):
        work.write(rows)
    if listing.is_list:
        work.drop_doubles()
    if not sorting.listed:
        said = f"{listing.videos} videos and {listing.others} other files were found"
        raise UnblurError(f"{source}: has no photos; {said}")
    return BulkPlan(
        target, run, settings, tuple(work.places), work.total, sorting.skipped,
        tuple(sorting.killed), listing.videos, listing.others,
    )  # fmt: skip


def check_target(source: str, target: Store, overwrite: bool) -> None:
    """Waits for the target's first answer, and looks at what it holds.

    Raises:
        UnblurError: if it cannot be reached, is a file or the source itself, or holds files of
            others that are not to be overwritten.
    """
    if target.protocol in ("http", "https"):
        reason = "can only be read; a folder or an object store was expected"
        raise UnblurError(f"{target.url}: {reason}")
    if target.check() == "file":
        raise UnblurError(f"{target.url}: is a file; a folder was expected")
    if target.is_same(Store(source)):
        raise UnblurError(f"{target.url}: is the source itself; name another target")
    if overwrite or next(target.list(FOLDER), None) is not None:
        return
    others = (item.place for item in target.list() if not is_hidden(item.place.split("/")[0]))
    found = next(others, None)
    if found is not None:
        reason = f"holds files, and no manifest of a run ({found}); an empty target was expected"
        raise UnblurError(f"{target.url}: {reason}", hint=Hint("overwrite"))


def discard_work(target: Store, run: str | None = None) -> None:
    """Removes the work list of a run, or those of all runs."""
    for item in list(target.list(WORK if run is None else f"{WORK}/{run}")):
        target.remove(item.place)


def new_run() -> str:
    """A name for a run: the time in UTC and something random; later ones sort behind."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


class _Sorting:
    """Takes out of a listing what is done or set aside, and counts."""

    def __init__(
        self, finished: Finished, aside: dict[str, Record], report: Callable[[int], None]
    ) -> None:
        self._finished, self._aside, self._report = finished, aside, report
        self.listed = self.skipped = 0
        self.killed: list[Record] = []

    def knows(self, places: Sequence[str]) -> np.ndarray:
        """Whether each place was done or set aside, in some version."""
        return self._finished.knows(places) | [place in self._aside for place in places]

    def left(self, listing: Listing) -> Iterator[Found]:
        """The photos that are left to do."""
        found = iter(listing)
        while some := list(islice(found, _BATCH)):
            self.listed += len(some)
            done = self._finished.contains([f.place for f in some], [f.version for f in some])
            for photo, is_done in zip(some, done.tolist(), strict=True):
                before = self._aside.get(photo.place)
                if is_done:
                    self.skipped += 1
                elif before is not None and before.version == photo.version:
                    self.killed.append(before)
                else:
                    yield photo
            self._report(self.listed)


class _Work:
    """The files of a work list; in memory is the number of each place, 8 bytes a photo."""

    def __init__(self, target: Store, run: str) -> None:
        self._target, self._run = target, run
        self._numbers = bytearray()
        self.places: list[str] = []
        self.total = 0

    def write(self, found: list[Found]) -> None:
        """Adds a file."""
        import pyarrow as pa

        rows = [(f.place, f.url, f.size, f.version, f.reason) for f in found]
        columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        place = f"{WORK}/{self._run}/work-{len(self.places):05d}.parquet"
        self._store(pa.table(columns), place)
        self._numbers += fingerprints(columns["place"]).data
        self.places.append(place)
        self.total += len(found)

    def drop_doubles(self) -> None:
        """Leaves one of the rows that name one photo; others at its place become failures."""
        numbers, counts = np.unique(np.frombuffer(self._numbers, np.uint64), return_counts=True)
        twice = set(numbers[counts > 1].tolist())
        if not twice:
            return
        first, seen, total = dict[str, str](), set[str](), 0
        for place in self.places:
            table = self._read(place)
            numbers = fingerprints(table["place"].to_pylist()).tolist()
            kept = [
                row
                for row, number in zip(table.to_pylist(), numbers, strict=True)
                if number not in twice or _is_first(row, first, seen)
            ]
            self._store(type(table).from_pylist(kept, table.schema), place)
            total += len(kept)
        self.total = total

    def _store(self, table: Any, place: str) -> None:
        import pyarrow.parquet as pq

        file = io.BytesIO()
        pq.write_table(table, file, compression="zstd")
        self._target.put_bytes(file.getvalue(), place)

    def _read(self, place: str) -> Any:
        import pyarrow.parquet as pq

        return pq.read_table(io.BytesIO(self._target.read_bytes(place)))


def _is_first(row: dict[str, Any], first: dict[str, str], seen: set[str]) -> bool:
    """Whether a photo is named for the first time; makes it a failure if it clashes with another.

    Args:
        first: the source of each place so far.
        seen: the sources so far.
    """
    if row["source"] in seen:
        return False
    seen.add(row["source"])
    owner = first.setdefault(row["place"], row["source"])
    if owner != row["source"]:
        row["reason"] = f"would have the same place in the target as {owner}"
        row["place"] = row["source"]
    return True


def _filled(found: Iterator[Found]) -> Iterator[list[Found]]:
    while rows := list(islice(found, ROWS)):
        yield rows
