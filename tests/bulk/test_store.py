"""Files are read and written whole in any store, and what is wrong is said in one line."""

from __future__ import annotations

import os
import pickle
import socket
import sys
from pathlib import Path

import fsspec
import pytest
import s3fs

from tests.bulk.conftest import S3
from unblur.bulk import remote
from unblur.bulk import store as module
from unblur.bulk.store import Store, store_of
from unblur.errors import UnblurError


@pytest.fixture(params=["folder", "s3", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        return Store(f"{request.getfixturevalue('s3').bucket()}/some/where")
    if request.param == "memory":
        fsspec.filesystem("memory").store.clear()
    return Store(str(tmp_path / "where") if request.param == "folder" else "memory://some/where")


def test_what_is_put_is_there_whole_and_comes_back(store: Store, tmp_path: Path) -> None:
    store = pickle.loads(pickle.dumps(store))
    data = os.urandom(100_000)
    (tmp_path / "made").write_bytes(data)
    places = ["a/b.jpg", "a/b.heic", "a/bc.jpg", "a#b?c %20.png", "ä/ö.jpg"]
    assert list(store.list()) == []
    for place in places:
        store.put(tmp_path / "made", place)
    store.put_bytes(b"small", places[0])
    assert sorted(item.place for item in store.list()) == sorted(places)
    assert [item.place for item in store.list("a")] == ["a/b.heic", "a/b.jpg", "a/bc.jpg"]
    assert store.siblings("a/b.heic") == ["a/b.heic", "a/b.jpg"]
    for item in store.list():
        assert store.look(item.place) == item
        assert store_of(store.at(item.place))[0].read_bytes(store_of(store.at(item.place))[1])
        assert store.fetch(item.place, tmp_path / "got", item.version) == item.version
        assert (tmp_path / "got").stat().st_mtime == pytest.approx(item.modified)
        (tmp_path / "got").unlink()
    assert store.read_bytes(places[3]) == data
    store.put_bytes(b"other", places[0])
    assert store.version(places[0]) != next(store.list("a")).version
    store.remove(places[0])
    store.remove(places[0])
    assert store.version(places[0]) is None
    assert not store.exists("a")
    assert (store.kind("a"), store.kind(places[1]), store.kind("none")) == ("folder", "file", None)
    with pytest.raises(UnblurError, match=r"^does not exist$"):
        store.fetch(places[0], tmp_path / "got")


def test_a_file_that_changes_is_read_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_bytes(b"first", "a.jpg")
    fetch, contents = store._files.fetch, [b"a second one", b"a third version"]

    def changing(place: str, to: Path) -> None:
        fetch(place, to)
        if contents:
            store.put_bytes(contents.pop(), place)

    monkeypatch.setattr(store._files, "fetch", changing)
    version = store.fetch("a.jpg", tmp_path / "got")
    assert version == store.version("a.jpg")
    assert (tmp_path / "got").read_bytes() == b"a second one"
    contents[:] = [b"%d" % n * n for n in range(1, 9)]
    with pytest.raises(UnblurError, match="was changed while it was read; run again"):
        store.fetch("a.jpg", tmp_path / "got")
    assert not (tmp_path / "got").exists()


def test_a_local_result_has_its_photos_time_and_is_as_private(tmp_path: Path) -> None:
    made, store = tmp_path / "made", Store(str(tmp_path / "out"))
    made.write_bytes(b"data")
    made.chmod(0o600)
    os.utime(made, ns=(10**18, 10**18 + 123456789))
    store.put(made, "a/b.jpg")
    found = (tmp_path / "out" / "a" / "b.jpg").stat()
    assert found.st_mtime_ns == 10**18 + 123456789
    assert found.st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "out" / "a").iterdir()] == ["b.jpg"]


@pytest.mark.parametrize("place", ["../a.jpg", "a/../../b", "/etc/x", "a//b", "a/./b", "a\0b"])
def test_a_key_never_leaves_its_folder(tmp_path: Path, place: str) -> None:
    with pytest.raises(UnblurError, match="has a name that no folder can hold"):
        Store(str(tmp_path / "out")).put_bytes(b"", place)
    assert not list(tmp_path.rglob("*"))


def test_pages_are_listed_to_their_end(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "7")
    monkeypatch.setattr(remote, "PAGE", 5)
    url = s3.bucket()
    names = [f"{number:04d}.jpg" for number in range(24)]
    for name in names:
        s3.put(f"{url}/in/{name}", b"")
    s3.put(f"{url}/in/folder/", b"")
    assert [item.place for item in Store(f"{url}/in").list()] == names
    assert next(Store(f"{url}/in").list()).place == names[0]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("foo://x", "foo:// is no known file system; a folder or a URL"),
        ("gs://x", "the file system of gs:// needs the package gcsfs: pip install gcsfs"),
        ("az://x/y", "needs the package adlfs: pip install adlfs"),
        ("simplecache::s3://x", "a plain URL was expected"),
        ("sftp://me:secret@host/x", "^sftp://me@...: a URL without a password was expected"),
    ],
)
def test_a_url_that_no_file_system_takes(
    url: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UnblurError, match=reason) as raised:
        Store(url)
    assert "secret" not in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_what_a_bucket_refuses_is_said(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Store("s3://no-such-bucket").check() is None
    with pytest.raises(
        UnblurError, match=r"^s3://no-such-bucket/a: does not exist \(The specified"
    ):
        Store("s3://no-such-bucket").put_bytes(b"", "a")
    url = s3.bucket()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(UnblurError, match=f"^{url}: needs credentials .*AWS_ACCESS_KEY_ID"):
        Store(url).check()
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_store_that_does_not_answer_is_not_waited_for(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_ANSWER", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        s3fs.S3FileSystem.clear_instance_cache()
        with pytest.raises(UnblurError, match=r"^s3://a: cannot be reached \(no answer in"):
            Store("s3://a").check()
    s3fs.S3FileSystem.clear_instance_cache()
