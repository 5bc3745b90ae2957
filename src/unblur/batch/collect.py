"""Brings chosen photos together in a folder, as copies or as hard links."""

from __future__ import annotations

import errno
import filecmp
import os
import secrets
import shutil
from pathlib import Path

from unblur import photo
from unblur.errors import Hint, PhotoError, UnblurError
from unblur.photo.files import STRAY, write_errors

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def collect(source: Path, target: Path, link: bool) -> bool:
    """Copies a file with its time and mode, or makes a hard link to it, in folders that it makes.

    A file of the same content that is there already is left as it is.

    Returns:
        Whether there is a new file.

    Raises:
        PhotoError: if another file is there, which is never replaced, or it cannot be written.
        UnblurError: if the file system cannot link it.
    """
    if os.path.lexists(target):
        if target.is_file() and filecmp.cmp(source, target, shallow=False):
            return False
        raise PhotoError("exists already, and is another file", file=target)
    if link:
        with write_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        _link(source, target)
    else:
        photo.copy(source, target)
        with write_errors(target):
            shutil.copystat(source, target)
    return True


def check_links(source: Path, folder: Path) -> None:
    """Raises UnblurError, as `collect` would, if a file cannot be linked into a folder."""
    there = folder.exists()
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f"{STRAY}{secrets.token_hex(8)}"
    try:
        _link(source, probe)
    finally:
        probe.unlink(missing_ok=True)
        if not there:
            folder.rmdir()


def _link(source: Path, target: Path) -> None:
    try:
        # Not the symbolic link, if it is one.
        os.link(source.resolve(), target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            reason = f"cannot be linked to {target.parent}, which is another file system"
        elif error.errno in _NO_LINKS:
            reason = f"cannot be linked to {target.parent}, whose file system refuses hard links"
        else:
            raise PhotoError(f"cannot be written ({error.strerror})", file=target) from None
        raise UnblurError(reason, file=source, hint=Hint("copy")) from None
