"""A folder of this machine as a store."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from unblur.bulk.items import Item
from unblur.errors import UnblurError
from unblur.photo import files


class Local:
    """The files of a folder; see `Store`, whose methods call these. They raise OSError too."""

    def __init__(self, root: str) -> None:
        self.root = root

    def path(self, place: str) -> str:
        """Raises UnblurError for a place that no folder can hold, as a bucket's key may be."""
        parts = place.split("/") if place else []
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise UnblurError(f"has a name that no folder can hold ({place!r})")
        return os.path.join(self.root, *parts)  # noqa: PTH118 (fast: of millions)

    def kind(self, place: str) -> str | None:
        path = Path(self.path(place))
        return "folder" if path.is_dir() else "file" if path.exists() else None

    def look(self, place: str) -> Item | None:
        try:
            found = Path(self.path(place)).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if stat.S_ISDIR(found.st_mode) else item(place, found)

    def beginning(self, prefix: str) -> list[str]:
        folder, _, name = prefix.rpartition("/")
        try:
            with os.scandir(self.path(folder)) as entries:
                names = [e.name for e in entries if e.name.startswith(name) and not e.is_dir()]
        except FileNotFoundError:
            return []
        return [f"{folder}/{name}" if folder else name for name in names]

    def list(self, prefix: str) -> Iterator[Item]:
        try:
            with os.scandir(self.path(prefix)) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        for entry in entries:
            place = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from self.list(place)
            else:
                yield item(place, entry.stat(follow_symlinks=entry.is_file()))

    def fetch(self, place: str, to: Path) -> None:
        path = Path(self.path(place))
        # Reading a pipe would block.
        if not path.is_file():
            raise UnblurError("is not a file" if path.exists() else "does not exist")
        shutil.copy2(path, to)

    def put(self, path: Path, place: str) -> None:
        goal, found = Path(self.path(place)), path.stat()
        goal.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as data, files.atomic(goal, path) as file:
            shutil.copyfileobj(data, file)
            file.flush()
            if os.utime in os.supports_fd:
                os.utime(file.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))
        if os.utime not in os.supports_fd:
            os.utime(goal, ns=(found.st_atime_ns, found.st_mtime_ns))

    def put_bytes(self, data: bytes, place: str) -> None:
        goal = Path(self.path(place))
        goal.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic(goal) as file:
            file.write(data)

    def read_bytes(self, place: str) -> bytes:
        return Path(self.path(place)).read_bytes()

    def remove(self, place: str) -> None:
        Path(self.path(place)).unlink(missing_ok=True)


def item(place: str, found: os.stat_result) -> Item:
    """A local file, with its size and time to the nanosecond as its version."""
    version = f"{found.st_size}-{found.st_mtime_ns}"
    return Item(place, found.st_size, version, found.st_mtime_ns / 1e9)
