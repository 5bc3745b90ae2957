"""Tables as Parquet files of a store."""

from __future__ import annotations

import io
from typing import Any

from unblur.bulk.store import Store


def put_table(store: Store, table: Any, place: str) -> None:
    """Writes a `pyarrow.Table` whole or not at all."""
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    store.put_bytes(file.getvalue(), place)


def open_table(store: Store, place: str) -> Any:
    """A file as a `pyarrow.parquet.ParquetFile`; raises pyarrow.ArrowInvalid if it is none."""
    import pyarrow.parquet as pq

    return pq.ParquetFile(io.BytesIO(store.read_bytes(place)))
