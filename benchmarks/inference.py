"""Seconds and peak memory of the model, by runtime and size.

Each runtime has a process of its own, which deblurs a random 8-bit photo as the tool does (with its
tiles) once to warm up and then in turn with the others. The peak is that of the whole process.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import Figure, Setup, engines, side_by_side
from benchmarks.workers import in_turn

SIZES = {"1280x720": (720, 1280), "12 megapixels": (3000, 4000)}
QUICK = {"256x192": (192, 256)}


def run(setup: Setup) -> Iterator[Figure]:
    """Size by size: seconds, then peaks."""
    for size, (height, width) in (QUICK if setup.quick else SIZES).items():
        versions = {runtime: (engines.make, runtime, setup.model, height, width)
                    for runtime in engines.runtimes(setup.model)}  # fmt: skip
        seconds, peaks = in_turn(versions, 2 if setup.quick else 3)
        yield from side_by_side(f"{size}, seconds", "s", seconds)
        yield from side_by_side(f"{size}, peak memory", "GB", peaks)
