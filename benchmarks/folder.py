"""Throughput of a folder of 12-megapixel JPEGs against that of the network alone, in one run.

    python benchmarks/folder.py [--photos 4] [--jobs 3] [--rounds 2]

The network alone is its engine, fed with the very tiles that one such photo has. The two take
turns, so that a machine whose speed drifts treats them alike. The processor's time is shown too:
on a machine that others use, its ratio says more.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from unblur.engine import Engine
from unblur.folders import Options, deblur_folder
from unblur.folders.plan import plan
from unblur.restore import Deblurrer

HEIGHT, WIDTH = 3000, 4000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    deblurrer = Deblurrer()
    batches = tiles(deblurrer)
    alone, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        photos, out = Path(folder) / "photos", Path(folder) / "out"
        make_photos(photos, arguments.photos)
        out.mkdir()
        options, jobs = Options(overwrite=True), plan([photos], out).jobs
        for _ in range(arguments.rounds):
            alone.append(timed(lambda: run_alone(deblurrer.engine, batches)))
            whole.append(
                timed(lambda: list(deblur_folder(deblurrer, jobs, options, arguments.jobs)))
                / len(jobs)
            )
            print(
                "seconds a photo: network alone {:.2f} (processor {:.2f}), "
                "folder {:.2f} ({:.2f})".format(*alone[-1], *whole[-1]),
                flush=True,
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    wall, processor = np.sum(alone, axis=0) / np.sum(whole, axis=0)
    print(
        f"{wall:.0%} of the network's throughput ({processor:.0%} by the processor's time); "
        f"peak memory {peak:.2f} GB"
    )


def tiles(deblurrer: Deblurrer) -> list[np.ndarray]:
    """What the engine is given for one photo."""
    engine, batches = deblurrer.engine, []

    class Recorder:
        contract, parallel = engine.contract, engine.parallel

        def __call__(self, batch: np.ndarray) -> np.ndarray:
            batches.append(batch)
            return batch

    recording: Any = Recorder()
    deblurrer.engine = recording
    deblurrer(np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
    deblurrer.engine = engine
    return batches


def run_alone(engine: Engine, batches: list[np.ndarray]) -> None:
    with ThreadPoolExecutor(engine.parallel) as pool:
        for _ in pool.map(engine, batches):
            pass


def timed(work: Callable[[], object]) -> np.ndarray:
    """Seconds by the clock, and of the processor."""
    began = np.array([time.perf_counter(), time.process_time()])
    work()
    return np.array([time.perf_counter(), time.process_time()]) - began


def make_photos(folder: Path, count: int) -> None:
    """JPEGs with edges and texture, smooth enough that the network finds something to do."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        small: Any = pyvips.Image.new_from_array(
            rng.integers(0, 255, (HEIGHT // 10, WIDTH // 10, 3), np.uint8)
        )
        small.resize(10).jpegsave(str(folder / f"{index}.jpg"), Q=92)


if __name__ == "__main__":
    main()
