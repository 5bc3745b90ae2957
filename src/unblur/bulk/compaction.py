"""Rows of many files, sorted into shards by their place's number; the latest row of each place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from unblur.bulk.fingerprints import fingerprints
from unblur.bulk.records import schema
from unblur.photo.files import scratch_folder

ROWS = 100_000
"""About so many rows make a shard: 50 MB in memory."""
_MOST = 256
"""Shards at most, each of which is an open file meanwhile."""
_BITS = np.uint64(64)


def shards_for(rows: int) -> int:
    """How many shards rows are sorted into: a power of two."""
    return min(_MOST, 1 << max(0, -(-rows // ROWS) - 1).bit_length())


def shards(batches: Iterable[Any], count: int) -> Iterator[Any]:
    """Yields a table for each shard, which has the latest row of each of its places.

    The rows come in the order of their places' fingerprints, also from shard to shard. Meanwhile
    all rows are in temporary files, and those of one shard in memory.

    Args:
        batches: `pyarrow.RecordBatch`es of the manifest's columns.
        count: a power of two.
    """
    import pyarrow as pa

    with scratch_folder() as folder:
        _spill(batches, folder, count)
        for number in range(count):
            with pa.OSFile(str(folder / str(number))) as file:
                yield _latest(pa.ipc.open_stream(file).read_all())
            (folder / str(number)).unlink()


def _spill(batches: Iterable[Any], folder: Path, count: int) -> None:
    import pyarrow as pa

    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with ExitStack() as stack:
        writers = []
        for number in range(count):
            file = stack.enter_context(pa.OSFile(str(folder / str(number)), "wb"))
            writers.append(stack.enter_context(pa.ipc.new_stream(file, schema(), options=options)))
        for batch in batches:
            shard = _shard(fingerprints(batch.column("place").to_pylist()), count)
            order = np.argsort(shard, kind="stable")
            ordered = batch.take(pa.array(order))
            edges = np.searchsorted(shard[order], np.arange(count + 1))
            for number in np.flatnonzero(np.diff(edges)):
                start, end = int(edges[number]), int(edges[number + 1])
                writers[number].write_batch(ordered.slice(start, end - start))


def _shard(numbers: np.ndarray, count: int) -> np.ndarray:
    bits = count.bit_length() - 1
    return numbers >> (_BITS - np.uint64(bits)) if bits else np.zeros(len(numbers), np.uint64)


def _latest(table: Any) -> Any:
    """The row of each place that was finished last, in the order of the fingerprints."""
    import pyarrow as pa

    number = pa.array(fingerprints(table["place"].to_pylist()))
    keys = [(name, "ascending") for name in ("number", "place", "finished")]
    table = table.append_column("number", number).sort_by(keys).drop_columns("number")
    places = table["place"].to_pylist()
    last = [place != following for place, following in pairwise([*places, None])]
    return table.filter(pa.array(last, pa.bool_()))
