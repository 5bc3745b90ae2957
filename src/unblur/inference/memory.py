"""How large a tile the memory at hand allows."""

from __future__ import annotations

import math
from pathlib import Path

BYTES_PER_PIXEL = 600
"""What a tile costs in the network and around it, measured (docs/benchmarks.md), rounded up."""
SMALLEST = 384
"""Below this, the tiles' overlaps would cost more than they save."""


def tile_for_memory(largest: int) -> int:
    """The side of a tile, in pixels: `largest`, or what half of the free memory holds."""
    free = available()
    if free is None:
        return largest
    return max(min(SMALLEST, largest), min(largest, math.isqrt(free // 2 // BYTES_PER_PIXEL)))


def available(system: Path = Path("/")) -> int | None:
    """Bytes of memory that this process may still take; None where the system does not say.

    On Linux: what /proc/meminfo has, or a container's limit less its use, if that is lower.
    """
    lines = _lines(system / "proc/meminfo")
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    group = system / "sys/fs/cgroup"
    limit, used = (_lines(group / f"memory.{name}") for name in ("max", "current"))
    if limit and used and limit[0].isdigit():
        found.append(max(0, int(limit[0]) - int(used[0])))
    return min(found) if found else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
