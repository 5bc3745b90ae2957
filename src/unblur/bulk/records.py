"""Rows of the manifest, and how they are stored in Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

State = Literal["done", "unchanged", "failed", "killed"]


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a photo: a row of the manifest.

    Attributes:
        place: under the source, as `Found.place`.
        source: URL of the photo.
        state: "unchanged" is a photo that was copied as it was, "killed" one that was set aside as
            worker processes died with it.
        version: of the photo that was read; see `Item.version`.
        settings: that the result was made with; see `settings.digest_of`.
        run: that made it.
        finished: when, in UTC.
        result: URL of the result; None if there is none.
        reason: of a failure, to be read behind the photo's name.
        seconds: that it took.
        bytes_in: size of the photo.
        bytes_out: size of the result.
        width: of the photo, in pixels.
        height: of the photo, in pixels.
        sha256: of the result, in hexadecimal digits.
        worker: "host:process" that made it.
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


@cache
def schema() -> Any:
    """The columns, as a `pyarrow.Schema`: the attributes of `Record` in their order."""
    import pyarrow as pa

    text, whole = pa.string(), pa.int64()
    return pa.schema([
        ("place", text), ("source", text), ("state", text), ("version", text), ("settings", text),
        ("run", text), ("finished", pa.timestamp("us", "UTC")), ("result", text), ("reason", text),
        ("seconds", pa.float64()), ("bytes_in", whole), ("bytes_out", whole),
        ("width", pa.int32()), ("height", pa.int32()), ("sha256", text), ("worker", text),
        ("notes", pa.list_(text)),
    ])  # fmt: skip


def table_of(records: Sequence[Record]) -> Any:
    """Records as a `pyarrow.Table`."""
    import pyarrow as pa

    columns = [[_clean(getattr(record, name)) for record in records] for name in schema().names]
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, schema(), strict=True)],
        schema=schema(),
    )


def records_of(table: Any) -> list[Record]:
    """The records of a table, or of a batch of its rows."""
    return [Record(**{**row, "notes": tuple(row["notes"] or ())}) for row in table.to_pylist()]


def _clean(value: Any) -> Any:
    """Without bytes that are no text, as a file's name in an error's words may have."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    return [_clean(note) for note in value] if isinstance(value, tuple) else value
