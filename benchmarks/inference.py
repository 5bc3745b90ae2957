"""Seconds and peak memory of the model, by runtime and size.

Each runtime has its own process, which deblurs a random 8-bit photo as the tool does, in tiles:
once to warm up, then in turns with the others. The peak is that of the whole process.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import Figure, Setup, engines
from benchmarks.workers import compare

SIZES = {"1280x720": (720, 1280), "12 megapixels": (3000, 4000)}
QUICK = {"256x192": (192, 256)}


def run(setup: Setup) -> Iterator[Figure]:
    """Seconds, then peaks, of each size."""
    for size, shape in (QUICK if setup.quick else SIZES).items():
        versions = {runtime: (engines.make, runtime, setup.model, *shape)
                    for runtime in engines.runtimes(setup.model)}  # fmt: skip
        yield from compare(size, versions, 2 if setup.quick else 3)
