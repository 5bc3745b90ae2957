"""A URL of an fsspec file system as a store."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unblur.bulk.items import Item
from unblur.errors import Hint, UnblurError
from unblur.photo.files import STRAY, scratch_folder

_RENAMING = frozenset({"sftp", "ssh", "ftp", "hdfs", "arrow_hdfs", "webhdfs", "webHDFS", "smb"})
"""Where a file that is being written can be seen, and is renamed when it is whole. Object stores
show an object once its PUT or its multipart upload is complete."""
PAGE = 1000
"""Keys that are read ahead."""
_TAGS = ("ETag", "etag")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "modify", "created")


class Remote:
    """Files under a URL; see `Store`, whose methods call these. Its library's errors are raised."""

    def __init__(self, url: str, protocol: str) -> None:
        self.url: str = url
        self.protocol: str = protocol
        self._lock = threading.Lock()
        self._opened: tuple[Any, str] | None = None
        _check_installed(url, protocol)

    @property
    def fs(self) -> Any:
        """fsspec's file system."""
        return self._open()[0]

    def path(self, place: str) -> str:
        root = self._open()[1].rstrip("/")
        return f"{root}/{place}" if place else root or "/"

    def kind(self, place: str) -> str | None:
        try:
            found = self.fs.info(self.path(place))
        except FileNotFoundError:
            return None
        return "folder" if found["type"] == "directory" else "file"

    def look(self, place: str) -> Item | None:
        try:
            found = self.fs.info(self.path(place))
        except FileNotFoundError:
            return None
        return None if found["type"] == "directory" else _item(place, found)

    def beginning(self, prefix: str) -> list[str]:
        if hasattr(self.fs, "_iterdir"):
            bucket, key, _ = self.fs.split_path(self.path(prefix))
            found = self._paged(self.fs._iterdir(bucket, delimiter="/", prefix=key))
            return [self._place(info) for info in found if info["type"] == "file"]
        folder = self.path(prefix.rpartition("/")[0])
        places = (self._place(info) for info in self._ls(folder) if info["type"] == "file")
        return [place for place in places if place.startswith(prefix)]

    def list(self, prefix: str) -> Iterator[Item]:
        if hasattr(self.fs, "_iterdir"):
            # s3fs: page by page, where `find` and `ls` hold all keys in memory.
            bucket, key, _ = self.fs.split_path(self.path(prefix))
            below = self.fs._iterdir(bucket, delimiter="", prefix=f"{key}/" if key else "")
            for info in self._paged(below):
                # A key with a slash at its end stands for a folder.
                if not info["name"].endswith("/"):
                    yield _item(self._place(info), info)
            return
        waiting = [self.path(prefix)]
        while waiting:
            found = sorted(self._ls(waiting.pop()), key=lambda info: info["name"])
            for info in found:
                if info["type"] == "file":
                    yield _item(self._place(info), info)
            folders = [info["name"].rstrip("/") for info in found if info["type"] == "directory"]
            waiting.extend(reversed(folders))

    def fetch(self, place: str, to: Path) -> None:
        self.fs.get_file(self.path(place), str(to))

    def put(self, path: Path, place: str) -> None:
        goal = self.path(place)
        if self.protocol not in _RENAMING:
            self.fs.put_file(str(path), goal)
            return
        folder = goal.rpartition("/")[0]
        self.fs.makedirs(folder, exist_ok=True)
        made = f"{folder}/{STRAY}{secrets.token_hex(8)}"
        try:
            self.fs.put_file(str(path), made)
            self.fs.mv(made, goal)
        except BaseException:
            if self.fs.exists(made):
                self.fs.rm_file(made)
            raise

    def put_bytes(self, data: bytes, place: str) -> None:
        if self.protocol not in _RENAMING:
            self.fs.pipe_file(self.path(place), data)
            return
        with scratch_folder() as folder:
            made = folder / "data"
            made.write_bytes(data)
            self.put(made, place)

    def read_bytes(self, place: str) -> bytes:
        return self.fs.cat_file(self.path(place))

    def remove(self, place: str) -> None:
        with suppress(FileNotFoundError):
            self.fs.rm_file(self.path(place))

    def _open(self) -> tuple[Any, str]:
        with self._lock:
            if self._opened is None:
                from fsspec.asyn import AsyncFileSystem
                from fsspec.core import url_to_fs
                from fsspec.registry import get_filesystem_class

                # A listing that is kept would grow with the store, and grow old.
                is_async = issubclass(get_filesystem_class(self.protocol), AsyncFileSystem)
                options = {"use_listings_cache": False} if is_async else {}
                self._opened = url_to_fs(self.url, **options)
            return self._opened

    def _place(self, info: dict[str, Any]) -> str:
        return info["name"][len(self._open()[1].rstrip("/")) + 1 :]

    def _ls(self, folder: str) -> list[dict[str, Any]]:
        try:
            found = self.fs.ls(folder, detail=True)
        except FileNotFoundError:
            return []
        self.fs.invalidate_cache(folder)
        # Some yield the folder itself.
        return [info for info in found if info["name"].rstrip("/") != folder.rstrip("/")]

    def _paged(self, found: AsyncIterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """What an asynchronous iterator yields; the next page is read while one is worked on."""

        async def page() -> list[dict[str, Any]]:
            taken: list[dict[str, Any]] = []
            async for info in found:
                taken.append(info)
                if len(taken) == PAGE:
                    break
            return taken

        coming = asyncio.run_coroutine_threadsafe(page(), self.fs.loop)
        try:
            while taken := coming.result():
                coming = asyncio.run_coroutine_threadsafe(page(), self.fs.loop)
                yield from taken
        finally:
            coming.cancel()


def _item(place: str, info: dict[str, Any]) -> Item:
    size = info.get("size")
    size = -1 if size is None else int(size)
    time = next((info[name] for name in _TIMES if info.get(name)), None)
    tag = next((str(info[name]).strip('"') for name in _TAGS if info.get(name)), "")
    modified = _seconds(time)
    return Item(place, size, tag or f"{size}-{time if modified is None else modified}", modified)


def _seconds(time: Any) -> float | None:
    """A time as seconds since 1970, of the kinds that file systems give; None of another."""
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time)
        except ValueError:
            return None
    if isinstance(time, datetime):
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    return float(time) if isinstance(time, int | float) else None


def _check_installed(url: str, protocol: str) -> None:
    try:
        from fsspec.registry import get_filesystem_class
    except ImportError:
        needed = "is a URL, and needs the package fsspec"
        raise UnblurError(f"{url}: {needed}", hint=Hint("install", ("cluster",))) from None
    try:
        get_filesystem_class(protocol)
    except ValueError:
        expected = "a folder or a URL such as s3://, gs://, az:// was expected"
        raise UnblurError(f"{url}: {protocol}:// is no known file system; {expected}") from None
    except ImportError as error:
        package = getattr(error.__cause__, "name", None) or getattr(error, "name", None)
        advice = f"needs the package {package}: pip install {package}" if package else str(error)
        raise UnblurError(f"{url}: the file system of {protocol}:// {advice}") from None
