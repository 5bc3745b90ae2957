"""Files on the disk: the one atomic writer, and the one lock."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from unblur.errors import Hint, PhotoError, ResumeError, UnblurError

STRAY = ".unblur-"
"""How the names of unfinished files begin."""

_READ_WRITE = 0o666
_unfinished: set[Path] = set()
"""Of this process."""


@contextmanager
def atomic(path: Path, source: Path | None = None) -> Iterator[BinaryIO]:
    """Open a new file that replaces `path` when the block ends, once it is on the disk.

    If the block raises, `path` stays as it was. A process that is killed also leaves an
    unfinished file beside it, for `sweep`.

    A file that is replaced hands down its mode, owner and extended attributes (`put`). A new one
    has the mode of the umask. Of a symbolic link, what it points to is written.

    Args:
        source: what the file is made from; where that is private, the file is too: none may read
            it who may not read the source.

    Raises:
        OSError: if the file cannot be written.
    """
    mode = _READ_WRITE if source is None else _private_mode(source)
    path = followed(path)
    with _removed(path) as temporary:
        # From the beginning, as a file that is open stays so.
        with open(temporary, "x+b", opener=partial(os.open, mode=mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        put(temporary, path)


def followed(path: Path) -> Path:
    """What a symbolic link points to, which need not exist; else the path itself.

    Raises:
        OSError: if links point in a circle, or if it is a device or a pipe, which another file in
            its place would destroy.
    """
    if path.is_symlink():
        path = Path(os.path.realpath(path))
        if path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "is a device or a pipe, not a file")
    return path


def put(made: Path, path: Path) -> None:
    """Rename a finished file; of a file that it replaces it takes mode, owner and attributes.

    Those are access lists and other extended attributes, where the system lets it.

    Raises:
        OSError: if it cannot be renamed.
    """
    if path.is_file():
        _inherit(path, made)
    made.replace(path)


@contextmanager
def new_file(path: Path, overwrite: bool, source: Path | None = None) -> Iterator[BinaryIO]:
    """`atomic` for an output that the user named: its folder is made, and errors name it.

    Raises:
        PhotoError: if the file exists and is not to be overwritten, or cannot be written.
    """
    if not overwrite:
        check_free(path)
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path, source) as file:
            yield file


def save(data: bytes, path: Path, overwrite: bool = False, source: Path | None = None) -> None:
    """Write a file, whole or not at all; raises as `new_file`."""
    with new_file(path, overwrite, source) as file:
        file.write(data)


def copy(source: Path, path: Path, overwrite: bool = False) -> None:
    """Copy a file, whole or not at all; raises as `open_file` and `new_file`."""
    with open_file(source) as data, new_file(path, overwrite, source) as file:
        shutil.copyfileobj(data, file)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Make an empty file beside `path` for the time of the block; raises as `new_file`."""
    with _removed(path) as temporary:
        with write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(0o600, exist_ok=False)
        yield temporary


@contextmanager
def scratch_folder(home: Path | None = None) -> Iterator[Path]:
    """Make a folder for temporary files, for the time of the block; raises OSError.

    Args:
        home: the folder that it is made in; by default the system's for temporary files.
    """
    prefix = STRAY if home else "unblur-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=home) as name:
        folder = Path(name)
        _unfinished.add(folder)
        try:
            yield folder
        finally:
            _unfinished.discard(folder)


def drop_unfinished() -> None:
    """Remove the unfinished and the temporary files of this process, which ends at once."""
    for path in tuple(_unfinished):
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def sweep(folder: Path) -> None:
    """Remove the unfinished files that killed processes left in a folder."""
    for stray in folder.glob(f"{STRAY}*"):
        with suppress(OSError):
            if stray.is_file():
                stray.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make a folder, and lock it against other processes where its file system can.

    The lock ends with the process at the latest, however that ends.

    Raises:
        ResumeError: if the folder cannot be made, or is locked.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResumeError(f"cannot be made ({error.strerror})", file=folder) from None
    with ExitStack() as held:
        try:
            _lock(folder, held)
        except (BlockingIOError, TimeoutError):
            raise ResumeError("is in use by another unblur; wait for it", file=folder) from None
        except OSError:
            pass
        yield


def check_free(path: Path, error_type: type[UnblurError] = PhotoError) -> None:
    """Raise an error, by default PhotoError, if a file of this name exists."""
    with write_errors(path, error_type):
        if path.exists():
            raise error_type("exists already", file=path, hint=Hint("overwrite"))


def open_file(path: Path, error_type: type[UnblurError] = PhotoError) -> BinaryIO:
    """Open a file to read; raises `error_type` if it is missing, a folder, or cannot be read."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise error_type("does not exist") from None
    except IsADirectoryError:
        raise error_type("is a folder; a file was expected") from None
    except OSError as error:
        raise error_type(f"cannot be read ({error.strerror})") from None
    except ValueError:
        raise error_type("cannot be read (its name holds a zero byte)") from None


@contextmanager
def write_errors(path: Path, error_type: type[UnblurError] = PhotoError) -> Iterator[None]:
    """Turn an OSError of the block into an error that says that `path` cannot be written."""
    try:
        yield
    except OSError as error:
        raise error_type(f"cannot be written ({error.strerror})", file=path) from None


@contextmanager
def _removed(path: Path) -> Iterator[Path]:
    """A new name beside `path`; a file of that name is removed in the end."""
    temporary = path.parent / f"{STRAY}{secrets.token_hex(8)}"
    _unfinished.add(temporary)
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink()
        _unfinished.discard(temporary)


def _private_mode(source: Path) -> int:
    """Read and write for those who may read and write the source, and for the owner."""
    try:
        return _READ_WRITE & (source.stat().st_mode | 0o600)
    except OSError:
        return 0o600


def _inherit(path: Path, made: Path) -> None:
    before, now = path.stat(), made.stat()
    # Another owner or group is given by the privileged, or to a group of one's own.
    with suppress(OSError, AttributeError):
        os.chown(made, -1, before.st_gid)
        os.chown(made, before.st_uid, -1)
    with suppress(OSError):
        shutil.copystat(path, made)  # mode and extended attributes, and times
    with suppress(OSError):
        os.utime(made, ns=(now.st_atime_ns, now.st_mtime_ns))
        if made.stat().st_gid != before.st_gid:
            # What the old group might, the new one may not.
            made.chmod(before.st_mode & 0o7707)


def _lock(folder: Path, held: ExitStack) -> None:
    try:
        import fcntl
    except ImportError:  # on Windows, where a folder cannot be opened
        from filelock import FileLock

        file = folder / ".unblur.lock"
        held.enter_context(FileLock(file, blocking=False, thread_local=False))
    else:
        # Not by filelock: its file would be seen among the results, and stay there after a kill.
        descriptor = os.open(folder, os.O_RDONLY)
        held.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
