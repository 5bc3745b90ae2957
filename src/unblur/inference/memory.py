"""The tile size that the free memory allows."""

from __future__ import annotations

import math
from pathlib import Path

import psutil

BYTES_PER_PIXEL = 600
"""Memory that a pixel of a tile takes, measured (docs/benchmarks.md) and rounded up."""
SMALLEST = 384
"""Least side of a tile: below it, the overlaps cost more than they save."""


def tile_for_memory(largest: int) -> int:
    """The side of a tile, in pixels: `largest`, or what fits into half of the free memory."""
    side = math.isqrt(available() // 2 // BYTES_PER_PIXEL)
    return max(min(SMALLEST, largest), min(largest, side))


def available(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes of memory that this process can still take without swapping.

    The system's free memory, or what is left of a Linux container's limit (cgroup v2, which
    psutil does not read) if that is less.
    """
    free = psutil.virtual_memory().available
    try:
        limit, used = ((cgroup / f"memory.{name}").read_text() for name in ("max", "current"))
        return min(free, max(0, int(limit) - int(used)))
    except (OSError, ValueError):  # no container, or ("max") no limit
        return free
