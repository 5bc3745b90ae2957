"""The photos that a run has to do, as Parquet files in the target."""

from __future__ import annotations

from typing import Any

import numpy as np

from unblur.bulk.fingerprints import fingerprints
from unblur.bulk.listing import Found
from unblur.bulk.store import Store
from unblur.bulk.tables import open_table, put_table

WORK = ".unblur/work"
"""Folder of work lists under the target: `WORK/RUN/work-00000.parquet`, ..."""
COLUMNS = ("place", "source", "size", "version", "reason")
"""Columns of a work list: those of `Found`, `source` being its `url`. A photo with a reason is a
failure, and needs no reading. The version is "" where it was not looked up."""
ROWS = 10_000
"""Photos in a file of a work list."""


class WorkList:
    """The files of a run's work list; in memory is the number of each place, 8 bytes a photo.

    Attributes:
        places: of the files, under the target.
        total: photos in them.
    """

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
        put_table(self._target, pa.table(columns), place)
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
            table = open_table(self._target, place).read()
            numbers = fingerprints(table["place"].to_pylist()).tolist()
            kept = [
                row
                for row, number in zip(table.to_pylist(), numbers, strict=True)
                if number not in twice or _is_first(row, first, seen)
            ]
            put_table(self._target, type(table).from_pylist(kept, table.schema), place)
            total += len(kept)
        self.total: int = total


def read_work(target: Store, place: str) -> list[Found]:
    """The photos of a file of a work list."""
    rows = open_table(target, place).read().to_pylist()
    return [Found(*(row[name] for name in COLUMNS)) for row in rows]


def discard_work(target: Store, run: str | None = None) -> None:
    """Removes the work list of a run, or those of all runs."""
    for item in list(target.list(WORK if run is None else f"{WORK}/{run}")):
        target.remove(item.place)


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
