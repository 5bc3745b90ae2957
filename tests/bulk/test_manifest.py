"""The manifest: one row for each place, the latest, whatever happens while it is compacted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from unblur.bulk import manifest as module
from unblur.bulk.fingerprints import Finished, fingerprints, of_versions
from unblur.bulk.manifest import FOLDER, Manifest, Record
from unblur.bulk.store import Store
from unblur.errors import UnblurError

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def record(number: int, at: int = 0, **facts: object) -> Record:
    given = {"state": "done", "version": "v", "settings": "s", "run": "r", **facts}
    place = f"a/{number}.jpg"
    return Record(place, f"s3://b/{place}", finished=BEGAN + timedelta(seconds=at), **given)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def test_a_record_is_read_as_it_was_written(store: Store) -> None:
    whole = record(
        1, result="t/é.jpg", reason="because", seconds=1.5, bytes_in=2**40, bytes_out=1, width=2,
        height=3, sha256="00", worker="h:1", notes=("no EXIF", "no ICC"),
    )  # fmt: skip
    manifest = Manifest(store, "r")
    manifest.append([whole, record(2, state="failed")])
    manifest.flush()
    assert list(Manifest(store, "q").records()) == [whole, record(2, state="failed")]


def test_the_latest_row_of_each_place_remains(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "shards_for", lambda rows: 4)
    manifest = Manifest(store, "r", rows=40)
    manifest.append(record(n, at=n, run="old") for n in range(100))
    manifest.append(record(n, at=500, run="new", state="failed") for n in range(0, 100, 3))
    # Older, though it is written later.
    manifest.append(record(n, at=0, run="stale") for n in range(1, 100))
    manifest.compact()
    rows = {row.place: row for row in manifest.records()}
    assert len(rows) == len(list(manifest.records())) == 100
    assert all(rows[f"a/{n}.jpg"].run == ("new" if n % 3 == 0 else "old") for n in range(2, 100))
    assert manifest.counts() == Manifest(store, "q").counts() == {"failed": 34, "done": 66}
    finished, _ = manifest.finished("s")
    places = [f"a/{n}.jpg" for n in range(101)]
    expected = [n % 3 != 0 and n < 100 for n in range(101)]
    assert finished.contains(places, ["v"] * 101).tolist() == expected
    assert finished.knows(places).tolist() == expected
    assert not finished.contains(places, ["other"] * 101).any()
    assert not len(manifest.finished("other settings")[0])
    before = list(store.list(FOLDER))
    assert len(before) > 2
    manifest.compact()
    assert list(store.list(FOLDER)) == before


def test_a_kill_at_any_moment_of_a_compaction_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    monkeypatch.setattr(module, "shards_for", lambda rows: 2)
    wanted = {(f"a/{n}.jpg", "new") for n in range(9)}
    put, remove, left = store.put_bytes, store.remove, 0

    def step() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KilledError

    def dying(store: Store) -> None:
        monkeypatch.setattr(store, "put_bytes", lambda data, place: (step(), put(data, place)))
        monkeypatch.setattr(store, "remove", lambda place: (step(), remove(place)))

    moment = 0
    for moment in range(20):
        manifest = Manifest(store, f"r{moment}", rows=5)
        manifest.append(record(n, at=1, run="old") for n in range(9))
        manifest.append(record(n, at=2, run="new") for n in range(9))
        manifest.flush()
        killed, left = Store(store.url), moment
        dying(killed)
        try:
            Manifest(killed, "r").compact()
        except KilledError:
            assert wanted <= {(row.place, row.run) for row in manifest.records()}
        else:
            break
        assert len(Manifest(store, "next").finished("s")[0]) == 9
        assert {(row.place, row.run) for row in manifest.records()} == wanted
    assert 5 < moment < 19, "it was killed at each of its steps, and then ended"


def test_places_with_one_number_are_told_apart_by_version() -> None:
    same = np.repeat(fingerprints(["b"]), 3)
    places = np.sort(np.concatenate([fingerprints(["a", "c"]), same]))
    versions = np.zeros(5, np.uint64)
    at = int(np.searchsorted(places, same[0]))
    versions[at + 2] = of_versions(["b"], ["2"], "s")[0]
    finished = Finished(places, versions, "s")
    assert finished.contains(["b", "b", "d"], ["2", "1", "2"]).tolist() == [True, False, False]
    assert finished.knows(["b", "d", "a"]).tolist() == [True, False, True]
    empty = Finished(places[:0], versions[:0], "s")
    assert not empty.contains(["a"], ["1"]).any()
    assert not empty.knows([]).any()


def test_killed_photos_are_named(store: Store) -> None:
    manifest = Manifest(store, "r")
    manifest.append([record(1), record(2, state="killed", reason="why")])
    finished, killed = manifest.finished("s")
    assert len(finished) == 1
    assert killed == {"a/2.jpg": record(2, state="killed", reason="why")}
    assert not manifest.finished("t")[1]


def test_an_empty_manifest_is_one(store: Store) -> None:
    manifest = Manifest(store, "r")
    assert not manifest.exists()
    manifest.begin()
    assert manifest.exists()
    assert not len(manifest.finished("s")[0])
    assert manifest.counts() == {}


def test_a_file_that_is_no_manifest_is_named(store: Store) -> None:
    store.put_bytes(b"no Parquet", f"{FOLDER}/part-x.parquet")
    with pytest.raises(UnblurError, match=r"part-x\.parquet: is no file of a manifest; remove it"):
        Manifest(store, "r").compact()
