"""One root of files: a folder, or a URL of any fsspec file system."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from queue import Empty, Queue
from typing import TypeVar

from unblur.bulk.items import Item
from unblur.bulk.local import Local
from unblur.bulk.remote import Remote
from unblur.bulk.troubles import in_one_line
from unblur.errors import UnblurError

T = TypeVar("T")
FIRST_ANSWER = 45.0
"""Seconds in which a store has to answer for the first time."""
_READINGS = 3


class Store:
    """Files by their place under a root: a relative path with "/", whatever the system.

    It holds no connection before it is used, and travels to other processes by its URL. It may be
    used by several threads. Errors are `UnblurError`s in one line: those of reading do not name
    the file, which the caller knows; those of writing do.

    Attributes:
        url: the root, without a slash at its end; of a local folder its absolute path.
        protocol: such as "s3"; "file" of a local folder.
        is_local: whether it is a folder that the system opens.
    """

    def __init__(self, url: str) -> None:
        """Raises UnblurError if no file system takes the URL, or its package is not installed."""
        self.protocol: str = protocol_of(url)
        self.is_local: bool = self.protocol == "file"
        self._files: Local | Remote
        if self.is_local:
            self.url = os.path.abspath(url.removeprefix("file://"))  # noqa: PTH100 (keeps links)
            self._files = Local(self.url)
        else:
            self.url: str = url.rstrip("/") if not url.endswith("://") else url
            self._files = Remote(self.url, self.protocol)

    def at(self, place: str) -> str:
        """The URL, or the path, of a place."""
        return place_under(self.url, place)

    def path(self, place: str) -> str:
        """How the fsspec file system calls a place."""
        return self._files.path(place)

    def is_same(self, other: Store) -> bool:
        """Whether both are one folder, by whatever name."""
        if self.is_local and other.is_local:
            return os.path.realpath(self.url) == os.path.realpath(other.url)
        return self.protocol == other.protocol and self.url == other.url

    def check(self) -> str | None:
        """Waits for the store's first answer: `kind` of the root.

        Raises:
            UnblurError: if it cannot be reached or used, or has not answered in `FIRST_ANSWER`
                seconds; names the root.
        """
        with in_one_line(self.url):
            return _in_time(lambda: self._files.kind(""))

    def kind(self, place: str) -> str | None:
        """ "file", "folder", or None if there is nothing."""
        with in_one_line():
            return self._files.kind(place)

    def look(self, place: str) -> Item | None:
        """The file at a place; None if there is none."""
        with in_one_line():
            return self._files.look(place)

    def exists(self, place: str) -> bool:
        """Whether there is a file."""
        return self.look(place) is not None

    def version(self, place: str) -> str | None:
        """What changes with the file's content: its ETag, else its size and time; None if none."""
        found = self.look(place)
        return found and found.version

    def siblings(self, place: str) -> list[str]:
        """Places in the same folder whose name is this one's up to its ending, itself included."""
        with in_one_line():
            return sorted(self._files.beginning(os.path.splitext(place)[0] + "."))  # noqa: PTH122

    def list(self, prefix: str = "") -> Iterator[Item]:
        """The files of a folder and of all folders in it, page by page; none if it is missing.

        Object stores yield them in the order of their keys.
        """
        with in_one_line(self.at(prefix)):
            yield from self._files.list(prefix.rstrip("/"))

    def fetch(self, place: str, to: Path, version: str | None = None) -> str:
        """Downloads a file, with its time and, of a local one, its mode.

        Args:
            to: a path that is free, in a folder that exists.
            version: the one that is expected, which spares a look at the store before the download.

        Returns:
            The version that was read, which is a later one if it was changed since.

        Raises:
            UnblurError: if it does not exist, is denied, or is changed while it is read.
        """
        before = version or self.version(place)
        if before is None:
            raise UnblurError("does not exist")
        for _ in range(_READINGS):
            with in_one_line():
                self._files.fetch(place, to)
            found = self.look(place)
            if found is not None and found.version == before:
                if found.modified is not None:
                    os.utime(to, (found.modified, found.modified))
                return before
            if found is None:
                break
            before = found.version
        to.unlink(missing_ok=True)
        raise UnblurError("was changed while it was read; run again")

    def put(self, path: Path, place: str) -> None:
        """Uploads a file whole or not at all; a local one has its time and is as private.

        Whatever is there is replaced.
        """
        with in_one_line(self.at(place)):
            self._files.put(path, place)

    def put_bytes(self, data: bytes, place: str) -> None:
        """Writes a file whole or not at all."""
        with in_one_line(self.at(place)):
            self._files.put_bytes(data, place)

    def read_bytes(self, place: str) -> bytes:
        """A file's content."""
        with in_one_line():
            return self._files.read_bytes(place)

    def remove(self, place: str) -> None:
        """Removes a file, if it is there."""
        with in_one_line(self.at(place)):
            self._files.remove(place)

    def __reduce__(self) -> tuple[type[Store], tuple[str]]:
        return Store, (self.url,)

    def __repr__(self) -> str:
        return f"Store({self.url!r})"


def store_of(url: str) -> tuple[Store, str]:
    """The store of a single file, one for each bucket or host, and the file's place in it.

    `store.at(place)` is the URL again; of a local path the absolute one.
    """
    protocol = protocol_of(url)
    if protocol == "file":
        root, path = os.path.splitdrive(os.path.abspath(url.removeprefix("file://")))  # noqa: PTH100
        return shared(root + "/"), path.replace(os.sep, "/").lstrip("/")
    beginning, rest = url.split("://", 1)
    host, _, place = rest.partition("/")
    return shared(f"{beginning}://{host}"), place


@lru_cache(maxsize=1024)
def shared(root: str) -> Store:
    """The store of a root, the same for all of this process."""
    return Store(root)


def protocol_of(url: str) -> str:
    """The protocol of a URL; "file" of a path.

    Raises:
        UnblurError: for a chained URL, and for one with a password, which would be written down.
    """
    if "://" not in url:
        return "file"
    protocol, rest = url.split("://", 1)
    if "::" in protocol:
        raise UnblurError(f"{url}: a plain URL was expected (PROTOCOL://...), not a chain of them")
    user = rest.split("/", 1)[0].rpartition("@")[0]
    if ":" in user:
        shown = f"{protocol}://{user.split(':')[0]}@..."
        reason = "a URL without a password was expected, as it is written into the manifest"
        raise UnblurError(f"{shown}: {reason}; set FSSPEC_{protocol.upper()}_PASSWORD instead")
    return "file" if protocol == "local" else protocol


def place_under(url: str, place: str) -> str:
    """The URL of a place under a root."""
    return url if not place else f"{url}{'' if url.endswith('/') else '/'}{place}"


def _in_time(task: Callable[[], T]) -> T:
    """Runs a task; raises its exception, or TimeoutError after `FIRST_ANSWER` seconds."""
    answers: Queue[T | Exception] = Queue()

    def run() -> None:
        try:
            answers.put(task())
        except Exception as error:  # noqa: BLE001 (raised below)
            answers.put(error)

    # A daemon, as a library that hangs must not keep the program from ending.
    threading.Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=FIRST_ANSWER)
    except Empty:
        raise TimeoutError(f"no answer in {FIRST_ANSWER:.0f} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
