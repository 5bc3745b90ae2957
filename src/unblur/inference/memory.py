"""The tile size that the free memory allows."""

from __future__ import annotations

import math
from pathlib import Path

import psutil

from unblur.inference.contract import Contract

SMALLEST = 384
"""Least side of a tile of unblur's own networks: below it, overlaps cost more than they save."""
LEAST = 128
"""Least side of a tile of any network."""


def tile_for_memory(contract: Contract) -> int:
    """The side of a tile, in pixels: the network's own, or what fits into half of the free memory.

    It is never so small that it takes less memory than a tile of `SMALLEST` of unblur's networks,
    nor smaller than `LEAST`.
    """
    side = math.isqrt(available() // 2 // contract.memory)
    least = max(LEAST, math.isqrt(SMALLEST**2 * Contract.memory // contract.memory))
    return min(max(min(least, contract.tile), min(contract.tile, side)), contract.largest)


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
