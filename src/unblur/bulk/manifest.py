"""The manifest of a target: what became of each photo, in Parquet files."""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from unblur.bulk.ahead import ahead
from unblur.bulk.compaction import shards, shards_for
from unblur.bulk.fingerprints import Finished, fingerprints, of_versions
from unblur.bulk.records import Record, records_of, schema, table_of
from unblur.bulk.store import Store
from unblur.bulk.tables import open_table, put_table
from unblur.errors import UnblurError

FOLDER = "unblur-manifest"
_SHARD = re.compile(r"part-compact-(\w+)-(\d+)-of-(\d+)\.parquet")
_ENDING = ".parquet"
_READERS = 4
_BYTES_PER_ROW = 120
"""Of a stored row, roughly."""
_BATCH = 2**15


class Manifest:
    """The manifest of a target, to which one process at a time writes.

    A run adds files of a few thousand rows, `part-RUN-NUMBER.parquet`. A compaction makes shards of
    them, `part-compact-NAME-NUMBER-of-COUNT.parquet`: one row for each place, in the order of the
    places' fingerprints. Its memory does not grow with the rows up to 25 million; above, it is
    about 500 bytes for each 256 rows.
    """

    def __init__(self, store: Store, run: str, rows: int = 5000, seconds: float = 30.0) -> None:
        """Writes nothing yet.

        Args:
            store: the target.
            run: the name of this run, in the names of the files that it writes.
            rows: records that make a file.
            seconds: after which `append` writes a file with fewer.
        """
        self._store, self._run, self._rows, self._seconds = store, run, rows, seconds
        self._waiting: list[Record] = []
        self._written = 0
        self._flushed = time.monotonic()
        self._counts: Counter[str] | None = None

    def exists(self) -> bool:
        """Whether the target has a manifest."""
        return bool(self._places())

    def begin(self) -> None:
        """Makes the target one with a manifest, if only an empty one."""
        if not self.exists():
            self._write(schema().empty_table(), _name(secrets.token_hex(4), 0, 1))

    def append(self, records: Iterable[Record]) -> None:
        """Adds records; writes a file if there are enough of them, or `seconds` have passed."""
        for record in records:
            self._waiting.append(record)
            if len(self._waiting) >= self._rows:
                self.flush()
        if time.monotonic() - self._flushed >= self._seconds:
            self.flush()

    def flush(self) -> None:
        """Writes what was added."""
        self._flushed = time.monotonic()
        if self._waiting:
            name = f"part-{self._run}-{self._written:06d}-{secrets.token_hex(4)}.parquet"
            self._write(table_of(self._waiting), name)
            self._written += 1
            self._waiting.clear()
            self._counts = None

    def compact(self) -> None:
        """Leaves one row for each place, the latest, in files of some hundred thousand rows.

        A process that is killed meanwhile leaves rows twice at worst, and none is lost.
        """
        self.flush()
        found = {i.place: i.size for i in self._store.list(FOLDER) if i.place.endswith(_ENDING)}
        before = sorted(found)
        if _is_compact(before):
            return
        count = shards_for(sum(found.values()) // _BYTES_PER_ROW)
        name, counts = secrets.token_hex(4), Counter[str]()
        for number, table in enumerate(shards(self._batches(before), count)):
            counts.update(table["state"].to_pylist())
            self._write(table, _name(name, number, count))
        # Only now that all is there again.
        for _ in ahead(self._store.remove, before, _READERS):
            pass
        self._counts = counts

    def finished(self, settings: str) -> tuple[Finished, dict[str, Record]]:
        """Compacts the manifest, and reads what it says of results with these settings.

        Returns:
            The photos that are done or unchanged, and those that were set aside as they killed
            worker processes, by their place.
        """
        from pyarrow.compute import field

        self.compact()
        killed, counts = dict[str, Record](), Counter[str]()
        # They grow without a second copy.
        places, versions = bytearray(), bytearray()
        # In the shards' order the fingerprints rise, so nothing is left to be sorted.
        for batch in self._batches(self._places()):
            counts.update(batch.column("state").to_pylist())
            own = batch.filter(field("settings") == settings)
            aside = records_of(own.filter(field("state") == "killed"))
            killed.update((record.place, record) for record in aside)
            done = own.filter(field("state").isin(["done", "unchanged"]))
            names = done.column("place").to_pylist()
            places += fingerprints(names).data
            versions += of_versions(names, done.column("version").to_pylist(), settings).data
        self._counts = counts
        numbers = [np.frombuffer(data, np.uint64) for data in (places, versions)]
        return Finished(numbers[0], numbers[1], settings), killed

    def counts(self) -> dict[str, int]:
        """Number of rows by their state; of places, after a compaction."""
        if self._counts is None:
            self._counts = Counter()
            for batch in self._batches(self._places()):
                self._counts.update(batch.column("state").to_pylist())
        return dict(self._counts)

    def records(self) -> Iterator[Record]:
        """All rows as they are stored, file by file."""
        for batch in self._batches(self._places()):
            yield from records_of(batch)

    def _places(self) -> list[str]:
        places = (item.place for item in self._store.list(FOLDER))
        return sorted(place for place in places if place.endswith(_ENDING))

    def _write(self, table: Any, name: str) -> None:
        put_table(self._store, table, f"{FOLDER}/{name}")

    def _open(self, place: str) -> Any:
        import pyarrow as pa

        try:
            file = open_table(self._store, place)
            if file.schema_arrow.equals(schema()):
                return file
        except pa.ArrowInvalid:
            pass
        reason = "is no file of a manifest; remove it, and the photos in it are done again"
        raise UnblurError(f"{self._store.at(place)}: {reason}")

    def _batches(self, places: list[str]) -> Iterator[Any]:
        for file in ahead(self._open, places, _READERS):
            yield from file.iter_batches(_BATCH)


def _name(name: str, number: int, count: int) -> str:
    return f"part-compact-{name}-{number:05d}-of-{count:05d}.parquet"


def _is_compact(places: list[str]) -> bool:
    """Whether the files are all shards of one compaction."""
    found = [_SHARD.fullmatch(place.rpartition("/")[2]) for place in places]
    names = {(match[1], int(match[3])) if match else None for match in found}
    if len(names) != 1 or None in names:
        return not places
    return len(places) == max(int(match[3]) for match in found if match)
