"""Makes glibc return freed memory to the system.

By default it kept a third and more of what photos of several sizes had taken (docs/serve.md),
because the buffers of many threads lie between each other. Here buffers of a megabyte and more
are mapped on their own and unmapped when they are freed; smaller ones share two arenas, which are
trimmed when the server is idle.
"""

from __future__ import annotations

import ctypes
from typing import Any

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # malloc.h
_LARGE = 2**20


def configure() -> None:
    """Maps large buffers on their own and limits the arenas, for the whole process."""
    if libc := _glibc():
        # Unless it is set, glibc raises it to up to 32 MiB when such a buffer is freed.
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_ARENA_MAX, 2)


def trim() -> None:
    """Returns free memory to the system."""
    if libc := _glibc():
        libc.malloc_trim(0)


def _glibc() -> Any:
    """The C library; None if it is not glibc."""
    try:
        libc = ctypes.CDLL(None)
        return libc if libc.malloc_trim and libc.mallopt else None
    except (AttributeError, OSError, TypeError):
        return None
