"""Throughput of a folder of 12-megapixel JPEGs against that of the network alone.

The network alone is its engine, given the tiles of one such photo; the two run in turns. CPU
seconds are measured too: on a machine with other load their ratio is more reliable.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import Figure, Setup, engines, figure, side_by_side
from benchmarks.workers import Worker
from unblur import Deblurrer
from unblur.batch.folder import deblur_folder
from unblur.batch.plan import plan
from unblur.batch.runner import Options

JOBS = 3
CLOCKS = {"seconds a photo": time.perf_counter, "processor's seconds a photo": time.process_time}


def run(setup: Setup) -> Iterator[Figure]:
    """Seconds a photo by each clock, and the peak with three jobs."""
    (height, width), photos, rounds = ((192, 256), 2, 1) if setup.quick else ((3000, 4000), 4, 3)
    with Worker() as worker:
        found = worker.call(measure, setup.model, (height, width), photos, rounds)
        peak = worker.peak()
    group = f"{width}x{height}, {JOBS} jobs"
    for index, name in enumerate(CLOCKS):
        samples = {version: [times[index] for times in own] for version, own in found.items()}
        yield from side_by_side(f"{group}, {name}", "s", samples)
    yield figure(group, "peak memory", "GB", peak)


def measure(
    model: str, shape: tuple[int, int], photos: int, rounds: int
) -> dict[str, list[list[float]]]:
    """By version and round, a photo's seconds by each clock."""
    deblurrer = Deblurrer(model, "cpu")
    tiles = engines.batches(deblurrer, engines.noise(*shape))
    found: dict[str, list[list[float]]] = {"network alone": [], "folder": []}
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "photos", Path(folder) / "out"
        source.mkdir()
        out.mkdir()
        for index in range(photos):
            engines.texture(*shape).jpegsave(str(source / f"{index}.jpg"), Q=92)
        options, jobs = Options(overwrite=True), plan([source], out).jobs

        def alone() -> None:
            with ThreadPoolExecutor(deblurrer.engine.parallel) as pool:
                list(pool.map(deblurrer.engine, tiles))

        for _ in range(rounds):
            found["network alone"].append(clocked(alone))
            times = clocked(lambda: list(deblur_folder(deblurrer, options, jobs, JOBS)))
            found["folder"].append([seconds / photos for seconds in times])
    return found


def clocked(work: Callable[[], object]) -> list[float]:
    """Seconds of the work by each clock."""
    began = [clock() for clock in CLOCKS.values()]
    work()
    return [clock() - start for clock, start in zip(CLOCKS.values(), began, strict=True)]
