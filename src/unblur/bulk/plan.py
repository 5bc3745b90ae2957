"""What a run has to do: the photos of the source that are not done, as a list in the target."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import numpy as np

from unblur.bulk.fingerprints import Finished
from unblur.bulk.listing import Found, Listing, listed
from unblur.bulk.manifest import FOLDER, Manifest
from unblur.bulk.records import Record
from unblur.bulk.results import Results
from unblur.bulk.store import Store
from unblur.bulk.worklist import ROWS, WorkList, discard_work
from unblur.errors import Hint, UnblurError
from unblur.photo import is_hidden

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
) -> BulkPlan:
    """Lists the source, and writes what is left to do into the target.

    Done is what the manifest says of this version of the photo and these settings, if its result is
    there. A photo that was set aside is left out while neither changes.

    Args:
        source: as of `listed`.
        settings: digest of the settings that results depend on.
        overwrite: whether the target may hold files and no manifest.
        retry_killed: whether photos that were set aside are tried again.
        run: name of the run, for names of files; by default a new one.

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
    results = Results(target) if len(finished) else None
    sorting = _Sorting(finished, results, {} if retry_killed else aside)
    work = WorkList(target, run)
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


def new_run() -> str:
    """A name for a run: the time in UTC and something random; later ones sort behind."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


class _Sorting:
    """Takes out of a listing what is done or set aside, and counts."""

    def __init__(
        self, finished: Finished, results: Results | None, aside: dict[str, Record]
    ) -> None:
        self._finished, self._results, self._aside = finished, results, aside
        self.listed = self.skipped = 0
        self.killed: list[Record] = []

    def knows(self, places: Sequence[str]) -> np.ndarray:
        """Whether each place was done or set aside, in some version."""
        return self._finished.knows(places) | [place in self._aside for place in places]

    def left(self, listing: Listing) -> Iterator[Found]:
        """The photos that are left to do."""
        photos = iter(listing)
        while some := list(islice(photos, _BATCH)):
            self.listed += len(some)
            places = [found.place for found in some]
            done = self._finished.contains(places, [found.version for found in some])
            if self._results is not None:
                done &= self._results.has(places)
            for photo, is_done in zip(some, done.tolist(), strict=True):
                before = self._aside.get(photo.place)
                if is_done:
                    self.skipped += 1
                elif before is not None and before.version == photo.version:
                    self.killed.append(before)
                else:
                    yield photo


def _filled(found: Iterator[Found]) -> Iterator[list[Found]]:
    while rows := list(islice(found, ROWS)):
        yield rows
