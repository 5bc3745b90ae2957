"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from unblur.errors import PhotoError
from unblur.photo.opening import open_file


def check_free(path: Path) -> None:
    """Raises PhotoError if a file of this name exists."""
    try:
        taken = path.exists()
    except OSError as error:
        raise PhotoError(f"{path} cannot be written ({error.strerror})") from None
    if taken:
        raise PhotoError(f"{path} exists already; --overwrite replaces it")


def save(data: bytes, path: Path, overwrite: bool = False) -> None:
    """Writes a whole file or none: to a temporary name beside it, then renamed.

    Raises:
        PhotoError: if the file exists and is not to be overwritten, or the folder cannot be
            written to.
    """
    with whole_or_nothing(path, overwrite) as file:
        file.write(data)


def copy(source: Path, path: Path, overwrite: bool = False) -> None:
    """Copies a file, whole or not at all; raises as `save`, and if it cannot be read."""
    with open_file(source) as data, whole_or_nothing(path, overwrite) as file:
        shutil.copyfileobj(data, file)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """The name of an empty file beside the path, which is removed in the end.

    Raises:
        PhotoError: if it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".unblur-", dir=path.parent)
    except OSError as error:
        raise PhotoError(f"{path} cannot be written ({error.strerror})") from None
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        with suppress(OSError):
            Path(name).unlink()


@contextmanager
def whole_or_nothing(path: Path, overwrite: bool) -> Iterator[BinaryIO]:
    """A file of a temporary name beside the path, renamed to it if all went well.

    Raises:
        PhotoError: as `save`.
    """
    if not overwrite:
        check_free(path)
    with scratch(path) as temporary:
        try:
            with temporary.open("w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
        except OSError as error:
            raise PhotoError(f"{path} cannot be written ({error.strerror})") from None


@contextmanager
def atomically(path: Path) -> Iterator[Path]:
    """A name to write to, which becomes `path` once all is on the disk.

    Always the same name, so that what a kill leaves is written over by the next try. A kill at any
    moment leaves the file that was there before, whole.

    Raises:
        OSError: if the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
