"""What is listed, what is left of it, and what is refused, from each kind of store."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.bulk.conftest import S3
from unblur.bulk import plan as module
from unblur.bulk.listing import Found, listed
from unblur.bulk.manifest import Manifest, Record
from unblur.bulk.plan import BulkPlan, make_plan
from unblur.bulk.store import Store
from unblur.errors import UnblurError

NAMES = ["a.jpg", "b/c.PNG", "b/d e.heic", "b/é.tif", "z.webp"]
OTHERS = ["film.mp4", "b/notes.txt", ".hidden.jpg", "b/@eaDir/x.jpg", ".Trash-1/y.jpg"]


@pytest.fixture(params=["folder", "s3", "memory"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A source with the names, of each kind."""
    if request.param == "s3":
        url = f"{request.getfixturevalue('s3').bucket()}/in/photos"
    else:
        url = str(tmp_path / "photos") if request.param == "folder" else "memory://photos"
    store = Store(url)
    fsspec.filesystem("memory").store.clear()
    for name in [*NAMES, *OTHERS]:
        store.put_bytes(name.encode(), name)
    return url


def rows(plan: BulkPlan) -> list[Found]:
    """The work list."""
    files = (io.BytesIO(plan.target.read_bytes(place)) for place in plan.work)
    found = [row for file in files for row in pq.read_table(file).to_pylist()]
    return [Found(r["place"], r["source"], r["size"], r["version"], r["reason"]) for r in found]


def done(found: Found, state: str = "done") -> Record:
    at = datetime.now(UTC)
    return Record(found.place, found.url, state, found.version, "s", "r", at, reason="why")  # type: ignore[arg-type]


def test_photos_are_listed_and_the_target_in_the_source_is_left_out(source: str) -> None:
    target = Store(Store(source).at("out"))
    target.put_bytes(b"", "result.jpg")
    listing = listed(source + "/", target)
    found = list(listing)
    assert sorted(f.place for f in found) == sorted(NAMES)
    assert (listing.videos, listing.others) == (1, 1)
    for photo in found:
        assert photo.size == len(photo.place.encode())
        assert photo.version == Store(source).version(photo.place)
        assert photo.url == Store(source).at(photo.place)


def test_only_what_is_new_or_changed_is_left(source: str, tmp_path: Path) -> None:
    target = Store(str(tmp_path / "out"))
    first = make_plan(source, target, "s")
    assert (first.total, first.skipped, first.videos, first.others) == (len(NAMES), 0, 1, 1)
    manifest = Manifest(target, first.run)
    photos = {found.place: found for found in rows(first)}
    manifest.append(done(photos[name]) for name in NAMES[:3])
    manifest.append([done(photos[NAMES[3]], "killed"), done(photos[NAMES[4]], "failed")])
    manifest.flush()
    Store(source).put_bytes(b"changed", NAMES[1])
    Store(source).put_bytes(b"new", "new.jpg")

    second = make_plan(source, target, "s")
    assert {found.place for found in rows(second)} == {NAMES[1], NAMES[4], "new.jpg"}
    assert (second.total, second.skipped) == (3, 2)
    assert [(r.place, r.reason) for r in second.killed_before] == [(NAMES[3], "why")]
    assert {item.place for item in target.list(module.WORK)} == set(second.work)
    assert make_plan(source, target, "s", retry_killed=True).total == 4
    assert make_plan(source, target, "other settings").total == len(NAMES) + 1


def test_a_list_names_files_and_folders_of_any_store_once_each(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.dat").write_bytes(b"whatever its ending")
    root = Store(source)
    names = ["own.dat", root.at("a.jpg"), root.at("b"), root.at("b/c.PNG"), root.at("gone.jpg"),
             "./own.dat", "foo://x/y.jpg"]  # fmt: skip
    text = "\ufeff# a comment\n\n" + "".join(f"  {name}\r\n" for name in names)
    (tmp_path / "list.txt").write_text(text, encoding="utf-8", newline="")
    column = pa.array(names).dictionary_encode()
    pq.write_table(pa.table({"id": range(len(names)), "url": column}), "list.parquet")
    plans = []
    for name in ("list.txt", "list.parquet"):
        target = Store(str(tmp_path / name / "..") + f"/out-{name}")
        plan = make_plan(name, target, "s")
        assert plan.total == len(rows(plan)) == 7
        plans.append(rows(plan))
        by_url = {found.url: found for found in rows(plan)}
        assert by_url[str(tmp_path / "own.dat")].place == "own.dat"
        place = root.at("a.jpg").split("://")[-1].lstrip("/")
        if root.is_local:
            place = os.path.splitdrive(root.at("a.jpg"))[1].lstrip("/")
        assert by_url[root.at("a.jpg")].place == place
        assert place.replace("a.jpg", "b/é.tif") == by_url[root.at("b/é.tif")].place
        assert "foo:// is no known file system" in by_url["foo://x/y.jpg"].reason

        Manifest(target, "r").append([])
        manifest = Manifest(target, "r")
        found = by_url[root.at("a.jpg")]
        version = root.version("a.jpg")
        manifest.append([Record(place, found.url, "done", str(version), "s", "r",
                                datetime.now(UTC))])  # fmt: skip
        manifest.flush()
        again = make_plan(name, target, "s")
        assert (again.total, again.skipped) == (6, 1)
    assert plans[0] == plans[1]


def test_two_entries_of_one_place_do_not_replace_each_other(tmp_path: Path, s3: S3) -> None:
    key = f"{s3.bucket()}/x.jpg"
    s3.put(key, b"photo")
    other = key.replace("s3://", "memory://")
    fsspec.filesystem("memory").store.clear()
    Store("memory://").put_bytes(b"photo", other.removeprefix("memory://"))
    (tmp_path / "list.txt").write_text(f"{key}\n{other}\n", encoding="utf-8")
    plan = make_plan(str(tmp_path / "list.txt"), Store(str(tmp_path / "out")), "s")
    assert [found.reason for found in rows(plan)] == [
        "", f"would have the same place in the target as {key}",
    ]  # fmt: skip
    assert rows(plan)[1].place == other


def test_a_name_that_is_no_text_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    try:
        (tmp_path / "in" / os.fsdecode(b"\xff.jpg")).write_bytes(b"")
    except OSError:
        pytest.skip("the file system takes names in UTF-8 only")
    plan = make_plan(str(tmp_path / "in"), Store(str(tmp_path / "out")), "s")
    (found,) = rows(plan)
    assert (found.place, found.reason) == (
        "?.jpg",
        "has a name that is no text in UTF-8; rename it",
    )


def test_files_of_others_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "theirs.jpg").write_bytes(b"")
    target = Store(str(tmp_path / "out"))
    with pytest.raises(UnblurError, match=r"holds files, and no manifest .*theirs\.jpg"):
        make_plan(str(tmp_path / "in"), target, "s")
    assert make_plan(str(tmp_path / "in"), target, "s", overwrite=True).total == 1
    assert make_plan(str(tmp_path / "in"), target, "s").total == 1


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("gone", None, "does not exist, or is empty; a folder"),
        ("empty.txt", b"", "has no photos"),
        ("latin.txt", b"caf\xe9.jpg\n", r"is no text in UTF-8; one path or URL a line"),
        ("binary.txt", b"\0\0", r"is no text in UTF-8"),
        ("wrong.parquet", b"PAR1", "is no Parquet file, as its ending says"),
        ("a.jpg", b"", "is a single file; a folder"),
    ],
)
def test_a_source_that_is_none_is_said_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnblurError, match=f"{name}: {reason}"):
        make_plan(str(tmp_path / name), Store(str(tmp_path / "out")), "s")


def test_a_parquet_list_needs_a_column_of_strings(tmp_path: Path) -> None:
    cases = [
        ({"file": ["a"]}, "no column source, path or url"),
        ({"path": [1]}, "path holds int64; strings were expected"),
    ]
    for columns, reason in cases:
        pq.write_table(pa.table(columns), tmp_path / "list.parquet")
        with pytest.raises(UnblurError, match=reason):
            make_plan(str(tmp_path / "list.parquet"), Store(str(tmp_path / "out")), "s")


def test_source_and_target_differ(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to("in")
    with pytest.raises(UnblurError, match="is the source itself"):
        make_plan(str(tmp_path / "link"), Store(str(tmp_path / "in")), "s", overwrite=True)
