"""The entries of a file that lists photos: a text with one a line, or a column in Parquet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from unblur import photo
from unblur.bulk.ahead import ahead
from unblur.bulk.items import Item
from unblur.bulk.store import Store, store_of
from unblur.errors import UnblurError
from unblur.photo.files import scratch_folder

COLUMNS = ("source", "path", "url")
"""Columns of a Parquet list that name the photos; the first that there is counts."""
Known = Callable[[Sequence[str]], np.ndarray]
"""Tells of places whether they may have been done before, as an array of bool."""
_LOOKS = 32
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list names.

    Attributes:
        place: its path, without a protocol, a slash at its beginning, and "..".
        url: that `store_of` opens.
        is_folder: whether it is one; a file, if that was not looked up.
        item: the file, if it was looked up.
        reason: why it cannot be read; "" if nothing is known.
    """

    place: str
    url: str
    is_folder: bool = False
    item: Item | None = None
    reason: str = ""


def entries(store: Store, place: str, known: Known | None = None) -> Iterator[Entry]:
    """The entries of a list, in its order.

    Relative paths are those from the current folder.

    Args:
        store: where the list is.
        place: of the list in it.
        known: tells for which places a file with a photo's ending is looked up; others always are.

    Raises:
        UnblurError: if the list cannot be read.
    """
    name = store.at(place)
    with scratch_folder() as folder:
        path = folder / "list"
        try:
            store.fetch(place, path)
        except UnblurError as error:
            raise UnblurError(f"{name}: {error}") from None
        lines = _cells(path, name) if name.lower().endswith(".parquet") else _lines(path, name)
        while named := [_named(line) for line in islice(lines, _BATCH)]:
            wanted = np.ones(len(named), bool)
            if known is not None:
                wanted = known([entry.place for entry in named])
                wanted |= [not _is_named_photo(entry.url) for entry in named]
            yield from ahead(_looked_up, zip(named, wanted.tolist(), strict=True), _LOOKS)


def _lines(path: Path, name: str) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line in file:
                entry = line.strip()
                if entry and not entry.startswith("#"):
                    if "\0" in entry:
                        raise UnblurError(f"{name}: {_EXPECTED_TEXT}")
                    yield entry
    except UnicodeDecodeError:
        raise UnblurError(f"{name}: {_EXPECTED_TEXT}") from None


_EXPECTED_TEXT = "is no text in UTF-8; one path or URL a line was expected"


def _cells(path: Path, name: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid:
        raise UnblurError(f"{name}: is no Parquet file, as its ending says") from None
    with file:
        there = file.schema_arrow
        column = next((name for name in COLUMNS if name in there.names), None)
        if column is None:
            found = ", ".join(there.names[:10]) or "none"
            reason = f"has no column source, path or url, one of which was expected ({found})"
            raise UnblurError(f"{name}: {reason}")
        kind = there.field(column).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise UnblurError(f"{name}: the column {column} holds {kind}; strings were expected")
        for cell in _values(file, column):
            if cell and cell.strip():
                yield cell


def _values(file: Any, column: str) -> Iterable[str | None]:
    for batch in file.iter_batches(columns=[column]):
        yield from batch.column(0).to_pylist()


def _named(line: str) -> Entry:
    if "://" in line and not line.startswith(("file://", "local://")):
        place = line.split("://", 1)[1].strip("/")
        try:
            store, key = store_of(line)
        except UnblurError as error:
            return Entry(place, line, reason=str(error))
        return Entry(place, store.at(key))
    path = line.split("://", 1)[-1]
    url = os.path.abspath(path)  # noqa: PTH100 (fast: of millions)
    place = os.path.normpath(path)
    if place.startswith("..") or place == "." or os.path.isabs(place):  # noqa: PTH117
        place = os.path.splitdrive(url)[1]
    return Entry(place.replace(os.sep, "/").strip("/"), url)


def _looked_up(given: tuple[Entry, bool]) -> Entry:
    entry, wanted = given
    if not wanted or entry.reason:
        return entry
    try:
        store, place = store_of(entry.url)
        kind = store.kind(place)
        found = store.look(place) if kind == "file" else None
    except UnblurError as error:
        return Entry(entry.place, entry.url, reason=str(error))
    reason = "does not exist" if kind is None else ""
    return Entry(entry.place, entry.url, kind == "folder", found, reason)


def _is_named_photo(url: str) -> bool:
    return os.path.splitext(url)[1].lower() in photo.READABLE  # noqa: PTH122 (fast: of millions)
