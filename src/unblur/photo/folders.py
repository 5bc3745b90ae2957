"""Which files of a folder are photos, and in which order: one rule for runs and for datasets."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from unblur.errors import UnknownFormatError
from unblur.photo.formats import READABLE, kind_of

# Names that file systems, network drives and archivers give to what is not the user's own: bins,
# thumbnails, snapshots. In lower case, as some of these systems do not tell cases apart.
_SYSTEM = frozenset({
    "@eadir", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "__macosx", "lost+found",
    "system volume information", "desktop.ini", "thumbs.db", "ehthumbs.db",
})  # fmt: skip
# A camera's preview beside a video, and copies that are older or not whole.
_COPIES = (".thm", ".bak", ".tmp", ".part", ".partial", ".crdownload", ".download", "_original",
           "~")  # fmt: skip

Identity = tuple[int, int]
"""A folder's device and number."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a walk came upon.

    Attributes:
        path: with the root's; a string, as a tree may hold a million photos.
        place: in the root, relative.
        kind: a photo, another file, a symbolic link to a folder that it is in, or what cannot be
            read.
        reason: why not, to be read behind the path.
    """

    path: str
    place: str
    kind: Literal["photo", "other", "loop", "unreadable"]
    reason: str = ""


def walk(root: Path, apart: Collection[Identity] = ()) -> Iterator[Entry]:
    """Yields the files of a folder in their order, then of the folders in it, but no hidden ones.

    Symbolic links are followed.

    Args:
        apart: folders that are not entered.
    """
    waiting: list[tuple[str, str, tuple[Identity, ...]]] = [(str(root), "", ())]
    while waiting:
        folder, place, above = waiting.pop()
        try:
            here = identity(folder)
            if here in apart:
                continue
            if here in above:
                yield Entry(folder, place, "loop")
                continue
            entries = listed(folder)
        except OSError as error:
            yield Entry(folder, place, "unreadable", _reason(error))
            continue
        below = []
        for entry in entries:
            there = os.path.join(place, entry.name)  # noqa: PTH118 (fast: of millions)
            try:
                if entry.is_dir():
                    below.append((entry.path, there, (*above, here)))
                else:
                    yield Entry(entry.path, there, "photo" if _is_photo(entry) else "other")
            except OSError as error:
                if error.errno == errno.ELOOP:
                    yield Entry(entry.path, there, "loop")
                else:
                    yield Entry(entry.path, there, "unreadable", _reason(error))
        waiting.extend(reversed(below))


def listed(folder: str | Path) -> list[os.DirEntry[str]]:
    """What is in a folder, in the order of the names, without what is hidden; raises OSError."""
    with os.scandir(folder) as found:
        return sorted((e for e in found if not is_hidden(e.name)), key=lambda e: order(e.name))


def is_hidden(name: str) -> bool:
    """Whether a file or a folder is not the user's own, by its name.

    Such are those that begin with a dot, among them macOS's "._a.jpg" beside "a.jpg" (AppleDouble,
    RFC 1740) and freedesktop.org's ".Trash-1000", and those of Windows and of network drives.
    """
    return name.startswith(".") or name.lower() in _SYSTEM


def order(name: str) -> tuple[list[tuple[bytes, int]], bytes]:
    """A key that sorts names by their bytes, but numbers in them by their value: 2 before 10."""
    whole = os.fsencode(name)
    *parts, last = re.split(rb"([0-9]+)", whole)
    numbered = [(text, int(digits)) for text, digits in zip(parts[::2], parts[1::2], strict=True)]
    return [*numbered, (last, -1)], whole


def is_photo(path: Path) -> bool:
    """Whether a file is a photo: by its ending or else, as endings may be wrong, its content."""
    return path.is_file() and (_named_so(path.name) or content(path) is not None)


def content(path: str | Path) -> str | None:
    """The format of a photo by its first bytes, a key of `BY_NAME`; None if it is no photo.

    None too for camera raw files, and for copies that other programs leave beside a photo.
    """
    name = PurePath(path).name
    # Reading a pipe would block.
    if name.lower().endswith(_COPIES) or not os.path.isfile(path):  # noqa: PTH113
        return None
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (fast: of millions)
            return kind_of(file.read(64), name)
    except (OSError, ValueError, UnknownFormatError):
        return None


def identity(folder: str | Path) -> Identity:
    """The same for all names of a folder; raises OSError."""
    found = os.stat(folder)  # noqa: PTH116 (fast: of millions)
    return found.st_dev, found.st_ino


def _is_photo(entry: os.DirEntry[str]) -> bool:
    if not _named_so(entry.name):
        return entry.is_file() and content(entry.path) is not None
    # Reading a pipe would block; stat raises for a broken link.
    return stat.S_ISREG(entry.stat().st_mode)


def _named_so(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in READABLE  # noqa: PTH122 (fast: of millions)


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "is a symbolic link to nothing"
    return f"cannot be read ({error.strerror})"
