"""The manifest of a target: what became of each photo, in Parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np

from unblur.bulk.store import Store

FOLDER = "unblur-manifest"
State = Literal["done", "unchanged", "failed", "killed"]


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a photo: a row of the manifest.

    Attributes:
        place: under the source, as `Found.place`.
        source: URL of the photo.
        result: URL of the result; None if there is none.
        state: "unchanged" is a photo that was copied as it was, "killed" one that was set aside as
            worker processes died with it.
        reason: of a failure, to be read behind the photo's name.
        seconds: that it took.
        bytes_in: size of the photo.
        bytes_out: size of the result.
        width: of the photo, in pixels.
        height: of the photo, in pixels.
        sha256: of the result, in hexadecimal digits.
        version: of the photo that was read; see `Item.version`.
        settings: that the result was made with; see `settings.digest_of`.
        run: that made it.
        worker: "host:process" that made it.
        finished: when, in UTC.
        notes: what the result does not have of the photo, in a line each.
    """

    place: str
    source: str
    state: State
    version: str
    settings: str
    run: str
    finished: datetime
    result: str | None = None
    reason: str | None = None
    seconds: float = 0.0
    bytes_in: int | None = None
    bytes_out: int | None = None
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    worker: str = ""
    notes: tuple[str, ...] = ()


SCHEMA: Any = None
"""The columns, as a `pyarrow.Schema`: those of `Record` in its order."""


class Finished:
    """The photos that are done: 16 bytes each. `len()` is their number."""

    def knows(self, places: Sequence[str]) -> np.ndarray:
        """Whether each place is done in some version; an array of bool."""
        raise NotImplementedError

    def contains(self, places: Sequence[str], versions: Sequence[str]) -> np.ndarray:
        """Whether each place is done in this version; an array of bool."""
        raise NotImplementedError


class Manifest:
    """The manifest of a target, to which one process at a time writes.

    Args:
        store: the target.
        run: the name of this run, in the names of the files that it writes.
        rows: records that make a file.
        seconds: after which `append` writes a file with fewer.
    """

    def __init__(self, store: Store, run: str, rows: int = 5000, seconds: float = 30.0) -> None: ...

    def exists(self) -> bool:
        """Whether the target has a manifest."""
        raise NotImplementedError

    def begin(self) -> None:
        """Makes the target one with a manifest, if only an empty one."""
        raise NotImplementedError

    def append(self, records: Iterable[Record]) -> None:
        """Adds records; writes a file if there are enough of them, or the last one is old."""
        raise NotImplementedError

    def flush(self) -> None:
        """Writes what was added."""
        raise NotImplementedError

    def compact(self) -> None:
        """Leaves one row for each place, the latest, in files of some hundred thousand rows.

        A process that is killed meanwhile leaves rows twice at worst, and none is lost.
        """
        raise NotImplementedError

    def finished(self, settings: str) -> Finished:
        """The photos that are done or unchanged with these settings; compacts it before."""
        raise NotImplementedError

    def killed(self, settings: str) -> dict[str, Record]:
        """The photos that were set aside with these settings, by their place."""
        raise NotImplementedError

    def counts(self) -> dict[str, int]:
        """Number of places by their state, as of the last compaction."""
        raise NotImplementedError

    def records(self) -> Iterator[Record]:
        """All rows as they are stored, file by file."""
        raise NotImplementedError
