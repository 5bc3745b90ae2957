"""Throughput of a folder of 12-megapixel JPEGs against that of the network alone.

The network alone is its engine, fed with the very tiles that one such photo has. The two take
turns. The processor's time is shown too: on a machine that others use, its ratio says more.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyvips

from benchmarks import Figure, Setup, engines, figure, side_by_side
from benchmarks.workers import Worker
from unblur.batch.folder import deblur_folder
from unblur.batch.plan import plan
from unblur.batch.runner import Options
from unblur.inference.contract import Network
from unblur.inference.deblurrer import Deblurrer

JOBS = 3


def run(setup: Setup) -> Iterator[Figure]:
    """Seconds a photo, by the clock and of the processor, and the peak with three jobs."""
    (height, width), photos, rounds = ((192, 256), 2, 1) if setup.quick else ((3000, 4000), 4, 3)
    with Worker() as worker:
        found = worker.call(measure, setup.model, height, width, photos, rounds)
        peak = worker.peak()
    group = f"{width}x{height}, {JOBS} jobs"
    for index, name in enumerate(("seconds a photo", "processor's seconds a photo")):
        samples = {version: [times[index] for times in own] for version, own in found.items()}
        yield from side_by_side(f"{group}, {name}", "s", samples)
    yield figure(group, "peak memory", "GB", peak)


Times = tuple[float, float]
"""Seconds by the clock, and of the processor."""


def measure(
    model: str, height: int, width: int, photos: int, rounds: int
) -> dict[str, list[Times]]:
    """By version, a photo's times in each round."""
    deblurrer = Deblurrer(model, "cpu")
    tiles = engines.batches(deblurrer, engines.photo(height, width))
    found: dict[str, list[Times]] = {"network alone": [], "folder": []}
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "photos", Path(folder) / "out"
        make_photos(source, photos, height, width)
        out.mkdir()
        options, jobs = Options(overwrite=True), plan([source], out).jobs
        for _ in range(rounds):
            found["network alone"].append(timed(lambda: run_alone(deblurrer.engine, tiles)))
            wall, processor = timed(lambda: list(deblur_folder(deblurrer, jobs, options, JOBS)))
            found["folder"].append((wall / photos, processor / photos))
    return found


def run_alone(engine: Network, tiles: list[Any]) -> None:
    with ThreadPoolExecutor(engine.parallel) as pool:
        for _ in pool.map(engine, tiles):
            pass


def timed(work: Callable[[], object]) -> Times:
    began = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began[0], time.process_time() - began[1]


def make_photos(folder: Path, count: int, height: int, width: int) -> None:
    """JPEGs with edges and texture, smooth enough that the network finds something to do."""
    folder.mkdir()
    for index in range(count):
        small: Any = pyvips.Image.new_from_array(engines.photo(height // 10 + 1, width // 10 + 1))
        path = str(folder / f"{index}.jpg")
        small.resize(10).crop(0, 0, width, height).jpegsave(path, Q=92)
