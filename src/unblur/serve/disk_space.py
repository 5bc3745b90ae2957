"""Checks for free space on the disk before something is written."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

RESERVE = 2**29
"""Bytes to leave free for other programs and for results that are being written."""


def require_room(folder: Path, size: int = 0) -> None:
    """Raises OSError unless the folder's disk has `size` bytes free besides the reserve."""
    if shutil.disk_usage(folder).free < size + RESERVE:
        raise OSError(errno.ENOSPC, "No space left on device")
