"""Downloads: a file comes whole, or what has come of it is kept, or, if it is wrong, nothing."""

from __future__ import annotations

import errno
import hashlib
import pickle
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.library.server import Served
from unblur.errors import DownloadError, Hint, ModelError
from unblur.library.content import refuse_by_head
from unblur.library.download import Wanted, begun, downloaded


def download(served: Served, **wanted: Any) -> bytes:
    with downloaded(Wanted(served.url, **wanted), lambda done, total: None, print) as path:
        return path.read_bytes()


def broken_off(served: Served, at: int = 4000, **wanted: Any) -> None:
    """Leaves the file's beginning in the cache."""
    served.cut = at
    with pytest.raises(DownloadError, match=r"broke off after 4\.0 kB of 10\.0 kB; .* goes on"):
        download(served, **wanted)
    served.cut = None
    assert begun(served.url) == at


def cached(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "unblur" / "downloads").glob("*"))


@pytest.mark.parametrize(
    "validators", [('"one"', ""), ('W/"weak"', "Wed, 21 Oct 2015 07:28:00 GMT")]
)
def test_what_was_broken_off_goes_on(
    served: Served, tmp_path: Path, validators: tuple[str, str]
) -> None:
    served.etag, served.modified = validators
    broken_off(served)
    assert download(served) == served.data
    assert served.asked[1]["Range"] == "bytes=4000-"
    assert served.asked[1]["If-Range"] in validators
    assert not cached(tmp_path)


def test_nothing_goes_on_that_may_be_of_another_file(served: Served) -> None:
    """Without a validator only a checksum tells."""
    served.etag = ""
    broken_off(served)
    assert download(served) == served.data
    assert "Range" not in served.asked[1]
    digest = hashlib.sha256(served.data).hexdigest()
    broken_off(served, sha256=digest)
    assert download(served, sha256=digest) == served.data
    assert served.asked[3]["Range"] == "bytes=4000-"


@pytest.mark.parametrize("how", ["heeds If-Range", "ignores If-Range", "ignores Range"])
def test_a_file_that_has_changed_is_downloaded_anew(served: Served, how: str) -> None:
    broken_off(served)
    served.data, served.etag = served.data[::-1], '"two"'
    served.conditions, served.ranges = how != "ignores If-Range", how != "ignores Range"
    assert download(served) == served.data


@pytest.mark.parametrize("size", [4000, 3000])
def test_where_there_is_no_rest_the_file_is_whole_or_another(served: Served, size: int) -> None:
    broken_off(served)
    served.data = served.data[:size]
    assert download(served) == served.data


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"status": 404}, "answers 404"),
        ({"status": 503}, "answers 503"),
        ({"data": b"<!DOCTYPE html><html>Sign in</html>"}, "a web page"),
        ({"data": b"version https://git-lfs.github.com/spec/v1\noid"}, "Git LFS"),
        ({"data": pickle.dumps({"weights": 1})}, "a pickle"),
        ({"data": pickle.dumps({"weights": 1}, 0)}, "a pickle"),
        ({"data": b""}, "an empty file"),
        ({"status": 302, "to": "/again"}, "redirects without an end"),
        ({"status": 302, "to": "http://example.com/net.onnx"}, "use https"),
        ({"status": 302, "to": "file:///etc/passwd"}, "to no web address"),
    ],
)
def test_what_is_wrong_leaves_nothing(
    served: Served, tmp_path: Path, how: dict[str, Any], reason: str
) -> None:
    vars(served).update(how)
    with pytest.raises((DownloadError, ModelError), match=reason) as caught:
        download(served, refuse=lambda head: refuse_by_head(head, trust=False))
    assert "\n" not in str(caught.value)
    assert not cached(tmp_path)


def test_a_wrong_checksum_or_size_leaves_nothing(served: Served, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="its SHA-256 is"):
        download(served, sha256="0" * 64)
    assert not cached(tmp_path)
    with pytest.raises(DownloadError, match="has 10,000 bytes, not 9"):
        download(served, bytes=9)
    assert not cached(tmp_path)
    broken_off(served)
    with pytest.raises(DownloadError, match="its SHA-256 is"):
        download(served, sha256="0" * 64)
    assert not cached(tmp_path)


def test_a_server_that_falls_silent_is_left_and_gone_on_with(served: Served) -> None:
    served.cut, served.stalls = 4000, True
    with pytest.raises(DownloadError, match=r"sent nothing for 0\.2 s; .* goes on"):
        download(served, timeout=0.2)
    served.cut, served.stalls = None, False
    assert download(served) == served.data
    assert served.asked[1]["Range"] == "bytes=4000-"


def test_a_server_that_is_not_there_or_says_no_size(served: Served) -> None:
    served.length = 0
    assert download(served) == served.data
    url = "http://127.0.0.1:9/net.onnx"  # the port "discard", where nothing listens
    with (
        pytest.raises(DownloadError, match="cannot be reached"),
        downloaded(Wanted(url), lambda done, total: None, print),
    ):
        pass


def stopped(done: int, total: int | None) -> None:
    if done > 4000:
        raise KeyboardInterrupt


def test_what_has_come_before_a_stop_is_kept(served: Served) -> None:
    with pytest.raises(KeyboardInterrupt), downloaded(Wanted(served.url), stopped, print):
        pass
    have = begun(served.url)
    assert have > 4000
    assert download(served) == served.data
    assert served.asked[1]["Range"] == f"bytes={have}-"


@pytest.mark.parametrize("hint", [Hint("install", ("compare",)), None])
def test_a_file_that_lacks_a_package_alone_is_kept(served: Served, hint: Hint | None) -> None:
    with pytest.raises(ModelError), downloaded(Wanted(served.url), lambda done, total: None, print):
        raise ModelError("cannot be opened", hint=hint)
    assert begun(served.url) == (len(served.data) if hint else 0)
    assert download(served) == served.data
    assert served.asked[1].get("Range") == ("bytes=10000-" if hint else None)


def full(_: bytes) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_said(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DownloadError, match="the disk is full"):
        download(served, refuse=full)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(DownloadError, match=r"10\.0 kB are to come, 1\.0 kB are free"):
        download(served)


def test_two_do_not_download_one_file_at_once(served: Served) -> None:
    with downloaded(Wanted(served.url), lambda done, total: None, print) as path:
        with pytest.raises(DownloadError, match="another unblur"):
            download(served)
        assert path.read_bytes() == served.data


@pytest.mark.parametrize(
    ("url", "checksum", "fine"),
    [
        ("http://example.com/a.onnx", "", False),
        ("ftp://example.com/a.onnx", "0" * 64, False),
        ("file:///etc/passwd", "0" * 64, False),
        ("https://", "", False),
        ("https://[::1/a", "", False),
        ("https://example.com:port/a", "", False),
        ("http://example.com/a.onnx", "0" * 64, True),
        ("http://[::1]/a.onnx", "", True),
        ("https://example.com/a.onnx", "", True),
    ],
)
def test_only_addresses_that_cannot_be_tampered_with(url: str, checksum: str, fine: bool) -> None:
    from unblur.library.addresses import check_address

    with nullcontext() if fine else pytest.raises(DownloadError):
        check_address(url, bool(checksum))
