"""Memory that is free goes back to the system, which the C library does not do by itself.

Measured (docs/serve.md): of what photos of several sizes took, glibc kept a third and more, as
many threads' buffers lie between each other's. Buffers of a megabyte and more get pages of their
own, and these go back when they are freed; all threads share two arenas for what is smaller, and
these are trimmed when nothing is left to do.
"""

from __future__ import annotations

import ctypes
from typing import Any

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # malloc.h
_LARGE = 2**20


def keep_apart() -> None:
    """Gives large buffers pages of their own, in all of this process from now on."""
    libc = _libc()
    if libc is not None:
        # Left alone, glibc raises this to 32 MiB as soon as such a buffer is freed.
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_ARENA_MAX, 2)


def give_back() -> None:
    """What is free goes to the system now."""
    libc = _libc()
    if libc is not None:
        libc.malloc_trim(0)


def _libc() -> Any:
    """glibc; None where there is another."""
    try:
        libc = ctypes.CDLL(None)
        return libc if libc.malloc_trim and libc.mallopt else None
    except (AttributeError, OSError, TypeError):
        return None
