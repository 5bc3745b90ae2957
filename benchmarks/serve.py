"""`unblur serve` under load: 200 mixed requests from 16 clients, a tenth of them hostile.

Fails if a good answer differs from what `unblur deblur` writes, a hostile request is not refused
as it should be, the server dies or answers 5xx, or its memory is not released. The network alone is
its engine, given the tiles of the same photos, in its own process, before and after.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from tests.serve.server import Server

from benchmarks import BenchmarkError, Figure, Setup, engines, figure
from benchmarks.hostile import ATTACKS
from benchmarks.timing import timed
from benchmarks.workers import Worker, peak_memory
from unblur import Deblurrer, photo

CLIENTS = 16
LOADS = 2
"""Number of loads; memory that one load releases may still grow with the next."""
LEVEL = 1.10
"""Largest ratio of the server's memory after the load to that before."""

SIZES = ((240, 320), (480, 640), (360, 640), (720, 1280), (600, 800))
KINDS = (".jpg", ".png", ".webp", ".tif", "-16.png", "-alpha.png", "-grey.jpg")


def run(setup: Setup) -> Iterator[Figure]:
    """Latency and throughput against the network alone, and memory before, at most and after."""
    requests, sizes = (20, ((96, 128),)) if setup.quick else (200, SIZES)
    # On a busy machine, the default time limit would be what is measured.
    options = ("--model", setup.model, "--timeout", "1h")
    with tempfile.TemporaryDirectory() as folder, Worker() as worker:
        photos = make_photos(Path(folder) / "photos", sizes)
        expected = deblurred(photos, Path(folder) / "expected", setup.model)
        alone = worker.call(network_alone, setup.model, photos)
        with Server(Path(folder) / "jobs", *options) as server:
            server.client.timeout = 300
            one = [ask(server, path, expected[path])[0] for path in photos]
            before = settled(server)
            loads = [load(server, expected, requests, seed) for seed in range(LOADS)]
            after = settled(server)
            peak, problems = peak_memory(server.process.pid), failures(server)
        again = worker.call(network_alone, setup.model, photos)
    bare = {path: (alone[path] + again[path]) / 2 for path in photos}
    problems = [problem for own in loads for problem in own.problems] + problems
    ratios = [seconds / bare[path] for path, seconds in zip(photos, one, strict=True)]
    yield figure("one client", "latency", "x network", ratios)
    yield from load_figures(f"{requests} requests, {CLIENTS} clients", loads, bare)
    for name, size in (("before", before), ("peak", peak), ("after", after)):
        yield figure("memory", name, "MB", size / 1e6)
    yield figure("memory", "after / before", "ratio", after / before)
    if after > LEVEL * before:
        problems.append(f"memory is {after / before:.2f} of what it was")
    if problems:
        raise BenchmarkError("; ".join(problems[:5]))


@dataclass
class Load:
    """The outcome of one load.

    Attributes:
        seconds: from its start to the last good answer.
        again: refusals with 429, after which the request was sent again.
        good: photo and latency of each good request.
    """

    seconds: float = 0.0
    again: int = 0
    good: list[tuple[Path, float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def load_figures(group: str, loads: list[Load], bare: dict[Path, float]) -> Iterator[Figure]:
    """Latency and throughput of the loads.

    Args:
        bare: the network's seconds for each photo.
    """
    mean = float(np.mean([*bare.values()]))
    for unit, scale in (("s", 1.0), ("x network", mean)):
        for share, name in ((0.5, "median"), (0.95, "95 %")):
            times = [float(np.quantile([s for _, s in own.good], share)) / scale for own in loads]
            yield figure(group, f"latency, {name}", unit, times)
    rates = [len(own.good) / own.seconds for own in loads]
    yield figure(group, "throughput", "photos/s", rates)
    shares = [sum(bare[path] for path, _ in own.good) / own.seconds for own in loads]
    yield figure(group, "throughput", "of the network's", shares)
    yield figure(group, "refused and asked again", "times", [float(own.again) for own in loads])


def ask(server: Server, path: Path, expected: bytes) -> tuple[float, int, str | None]:
    """Seconds from the first try to the answer, refusals until then, and what was wrong."""
    began, again = time.perf_counter(), 0
    data = path.read_bytes()
    how: dict[str, Any] = {"content": data} if len(data) % 2 else {"files": {"photo": data}}
    while (answer := server.client.post("/v1/deblur", **how)).status_code == 429:
        again += 1
        time.sleep(float(answer.headers["retry-after"]))
    seconds = time.perf_counter() - began
    if answer.status_code != 200:
        return seconds, again, f"{path.name} got {answer.status_code}: {answer.text[:200]}"
    same = answer.content == expected
    return seconds, again, None if same else f"{path.name} is not what unblur deblur writes"


def settled(server: Server) -> int:
    """The server's resident memory in bytes, after a pause."""
    time.sleep(3)
    return psutil.Process(server.process.pid).memory_info().rss


def failures(server: Server) -> list[str]:
    """Tracebacks, the server's end, and answers of 5xx."""
    found = [line for line in server.log if "Traceback" in line]
    if server.process.poll() is not None:
        found.append(f"the server ended with {server.process.returncode}")
    metrics = server.client.get("/metrics").text
    return [*found, *re.findall(r'unblur_requests_total\{.*status="5.."\} .*', metrics)]


def load(server: Server, expected: dict[Path, bytes], requests: int, seed: int) -> Load:
    """Send the requests from all clients at once, each its next one after its last one's answer."""
    chance = random.Random(seed)
    photos = list(expected)
    hostile = requests // 10
    tasks: list[Any] = [ATTACKS[n % len(ATTACKS)] for n in range(hostile)]
    tasks += [photos[n % len(photos)] for n in range(requests - hostile)]
    chance.shuffle(tasks)
    done = Load()
    began = time.perf_counter()
    last = began

    def one(task: Any) -> None:
        nonlocal last
        if not isinstance(task, Path):
            problem = task(server.port, photos[0].read_bytes())
            done.problems.extend([f"{task.__name__}: {problem}"] if problem else [])
            return
        seconds, again, problem = ask(server, task, expected[task])
        done.again += again
        done.good.append((task, seconds))
        done.problems.extend([problem] if problem else [])
        last = time.perf_counter()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, tasks))
    done.seconds = last - began
    return done


def make_photos(folder: Path, sizes: tuple[tuple[int, int], ...]) -> list[Path]:
    """Write a photo of each size and kind of file."""
    folder.mkdir()
    made = []
    for height, width in sizes:
        image = engines.texture(height, width, 4)
        for kind in KINDS:
            path = folder / f"{width}x{height}{kind}"
            shown = image if "alpha" in kind else image[0] if "grey" in kind else image[:3]
            if "16" in kind:
                shown = (shown.cast("ushort") * 257).cast("ushort")
            shown.write_to_file(str(path))
            made.append(path)
    return made


def deblurred(photos: list[Path], out: Path, model: str) -> dict[Path, bytes]:
    """What `unblur deblur` writes."""
    command = [sys.executable, "-m", "unblur", "deblur", *map(str, photos), "-o", str(out)]
    subprocess.run([*command, "--model", model], check=True, capture_output=True)
    return {path: (out / path.name).read_bytes() for path in photos}


def network_alone(model: str, photos: list[Path]) -> dict[Path, float]:
    """Seconds of the network for each photo's tiles, the median of three runs."""
    deblurrer = Deblurrer(model)
    found = {}
    for path in photos:
        tiles = engines.batches(deblurrer, photo.read(path).pixels)
        once = timed(lambda tiles=tiles: [deblurrer.engine(tile) for tile in tiles])
        found[path] = sorted(once() for _ in range(3))[1]
    return found
