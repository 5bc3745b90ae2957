"""`unblur serve` under load: 200 mixed requests from 16 clients, a tenth of them hostile.

Fails if a good request does not get, byte for byte, what `unblur deblur` writes; if a hostile one
gets more than it should; if the server dies or fails inside; or if its memory does not come back.
The network alone is its engine, fed with the very tiles of the same photos, in a process of its
own, before and after.
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
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyvips

from benchmarks import BenchmarkError, Figure, Setup, engines, figure
from benchmarks.hostile import ATTACKS
from benchmarks.workers import Worker
from unblur import photo
from unblur.inference.deblurrer import Deblurrer

CLIENTS = 16
LOADS = 2
"""How often the load is repeated: memory that comes back once may still grow."""
LEVEL = 1.10
"""How much of its memory before the load the server may hold after it."""

SIZES = ((240, 320), (480, 640), (360, 640), (720, 1280), (600, 800))
KINDS = (".jpg", ".png", ".webp", ".tif", "-16.png", "-alpha.png", "-grey.jpg")


def run(setup: Setup) -> Iterator[Figure]:
    """Latency and throughput against the network alone, and memory before, at most and after."""
    requests, sizes = (20, ((96, 128),)) if setup.quick else (200, SIZES)
    with tempfile.TemporaryDirectory() as folder, Worker() as worker:
        photos = make_photos(Path(folder) / "photos", sizes)
        expected = deblurred(photos, Path(folder) / "expected", setup.model)
        alone = worker.call(network_alone, setup.model, photos)
        with serving(Path(folder) / "jobs", setup.model) as server:
            one = [server.ask(path, expected[path])[0] for path in photos]
            time.sleep(3)
            before = server.resident()
            loads = [load(server, expected, requests, seed) for seed in range(LOADS)]
            time.sleep(3)
            after = server.resident()
            peak, failures = server.peak(), server.failures()
        again = worker.call(network_alone, setup.model, photos)
    bare = {path: (alone[path] + again[path]) / 2 for path in photos}
    problems = [problem for own in loads for problem in own.problems] + failures
    group = f"{requests} requests, {CLIENTS} clients"
    ratios = [seconds / bare[path] for path, seconds in zip(photos, one, strict=True)]
    yield figure("one client", "latency", "x network", ratios)
    for share, name in ((0.5, "median"), (0.95, "95 %")):
        times = [float(np.quantile([s for _, s in own.good], share)) for own in loads]
        yield figure(group, f"latency, {name}", "s", times)
    mean = float(np.mean([bare[path] for path in photos]))
    for share, name in ((0.5, "median"), (0.95, "95 %")):
        times = [float(np.quantile([s for _, s in own.good], share)) / mean for own in loads]
        yield figure(group, f"latency, {name}", "x network", times)
    rates = [len(own.good) / own.seconds for own in loads]
    yield figure(group, "throughput", "photos/s", rates)
    shares = [sum(bare[path] for path, _ in own.good) / own.seconds for own in loads]
    yield figure(group, "throughput", "of the network's", shares)
    yield figure(group, "refused and asked again", "times", [float(own.again) for own in loads])
    for name, size in (("before", before), ("peak", peak), ("after", after)):
        yield figure("memory", name, "MB", size / 1e6)
    yield figure("memory", "after / before", "ratio", after / before)
    if after > LEVEL * before:
        problems.append(f"memory is {after / before:.2f} of what it was")
    if problems:
        raise BenchmarkError("; ".join(problems[:5]))


@dataclass
class Load:
    """What became of one load."""

    seconds: float = 0.0
    again: int = 0
    good: list[tuple[Path, float]] = field(default_factory=list)
    """Photo and latency of each good request."""
    problems: list[str] = field(default_factory=list)


class Server:
    """A running `unblur serve`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=300,
            limits=httpx.Limits(max_connections=CLIENTS),
        )  # fmt: skip

    def ask(self, path: Path, expected: bytes) -> tuple[float, int, str | None]:
        """Seconds from the first try to the answer, refusals until then, and what was wrong."""
        began, again = time.perf_counter(), 0
        data = path.read_bytes()
        how: dict[str, Any] = {"content": data} if len(data) % 2 else {"files": {"photo": data}}
        while (answer := self.client.post("/v1/deblur", **how)).status_code == 429:
            again += 1
            time.sleep(float(answer.headers["retry-after"]))
        seconds = time.perf_counter() - began
        if answer.status_code != 200:
            return seconds, again, f"{path.name} got {answer.status_code}: {answer.text[:200]}"
        same = answer.content == expected
        return seconds, again, None if same else f"{path.name} is not what unblur deblur writes"

    def resident(self) -> int:
        return self._status("VmRSS")

    def peak(self) -> int:
        return self._status("VmHWM")

    def failures(self) -> list[str]:
        """What went wrong inside."""
        found = [line for line in self.log.read_text().splitlines() if "Traceback" in line]
        if self.process.poll() is not None:
            found.append(f"the server ended with {self.process.returncode}")
        counted = re.findall(
            r'unblur_requests_total\{.*status="5.."\} .*', self.client.get("/metrics").text
        )
        return [*found, *counted]

    def _status(self, key: str) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(text.split(f"{key}:")[1].split()[0]) * 1024


@contextmanager
def serving(jobs: Path, model: str) -> Iterator[Server]:
    log = jobs.with_name("log")
    # On a busy machine, the limit of time would be what is measured.
    arguments = ["serve", "--port", "0", "--jobs", str(jobs), "--model", model, "--timeout", "1h"]
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "unblur", *arguments], stderr=file)
    try:
        while not (found := re.search(r"http://127.0.0.1:(\d+)", log.read_text())):
            if process.poll() is not None:
                raise BenchmarkError(f"the server did not start: {log.read_text()}")
            time.sleep(0.1)
        yield Server(process, int(found[1]), log)
    finally:
        process.terminate()
        process.wait()


def load(server: Server, expected: dict[Path, bytes], requests: int, seed: int) -> Load:
    """All clients at once, each with its next request as soon as it has the last one's answer."""
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
        seconds, again, problem = server.ask(task, expected[task])
        done.again += again
        done.good.append((task, seconds))
        done.problems.extend([problem] if problem else [])
        last = time.perf_counter()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, tasks))
    done.seconds = last - began
    return done


def make_photos(folder: Path, sizes: tuple[tuple[int, int], ...]) -> list[Path]:
    """Blurred textures of every size, in every kind of file."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    made = []
    for height, width in sizes:
        small: Any = pyvips.Image.new_from_array(
            rng.integers(0, 255, (-(-height // 8), -(-width // 8), 4), np.uint8)
        )
        image = small.resize(8, kernel="linear").crop(0, 0, width, height)
        for kind in KINDS:
            path = folder / f"{width}x{height}{kind}"
            shown = image if "alpha" in kind else image[0] if "grey" in kind else image[:3]
            if "16" in kind:
                shown = (shown.cast("ushort") * 257).cast("ushort")
            shown.write_to_file(str(path))
            made.append(path)
    return made


def deblurred(photos: list[Path], out: Path, model: str) -> dict[Path, bytes]:
    """What the command line makes of them."""
    command = [sys.executable, "-m", "unblur", "deblur", *map(str, photos), "-o", str(out)]
    subprocess.run([*command, "--model", model], check=True, capture_output=True)
    return {path: (out / path.name).read_bytes() for path in photos}


def network_alone(model: str, photos: list[Path]) -> dict[Path, float]:
    """Seconds of the network for each photo, its tiles one after the other."""
    deblurrer = Deblurrer(model)
    found = {}
    for path in photos:
        tiles = engines.batches(deblurrer, photo.read(path).pixels)
        times = []
        for _ in range(3):
            began = time.perf_counter()
            for tile in tiles:
                deblurrer.engine(tile)
            times.append(time.perf_counter() - began)
        found[path] = sorted(times)[1]
    return found
