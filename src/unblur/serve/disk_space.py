"""Room on the disk, asked for before something is put there."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

KEPT = 2**29
"""Bytes that stay free for everybody else, and for results that are being written."""


def require_room(folder: Path, size: int = 0) -> None:
    """Raises OSError if the folder's disk is nearly full."""
    if shutil.disk_usage(folder).free < size + KEPT:
        raise OSError(errno.ENOSPC, "No space left on device")
