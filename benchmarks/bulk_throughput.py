"""`unblur bulk FOLDER` against `unblur deblur FOLDER`: speed, processor's seconds, memory.

    python -m benchmarks.bulk_throughput PHOTOS [--photos N] [--rounds N] [--memory N]

The two run in turns on the same photos, of 2 to 12 megapixels, which are made of those of a folder.
A run on one small photo tells what the start takes, and is taken off. Processor's seconds are those
of all processes that a command starts: Ray's own too. `--memory N` is a run on N small photos, of
which the memory of the driver, and of the process that runs Ray Data, is printed over time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pyvips

SIZES = (2, 12, 4, 8, 3, 6)
"""Megapixels of the photos, one after the other."""
COMMANDS = ("deblur", "bulk")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if given.memory:
            memory(given.folder, Path(name), given.memory)
        else:
            throughput(given.folder, Path(name), given.photos, given.rounds)


def throughput(photos: Path, folder: Path, count: int, rounds: int) -> None:
    """Prints both commands' seconds by each clock, and the ratio, round by round."""
    many, one = folder / "many", folder / "one"
    pixels = sum(make(photos, many, index, SIZES[index % len(SIZES)]) for index in range(count))
    make(photos, one, 0, 0.05)
    print(f"{count} photos, {pixels:.0f} megapixels, load {os.getloadavg()[0]:.1f}")
    ratios: dict[str, list[float]] = {"wall": [], "processor": [], "wall, with the start": []}
    for number in range(rounds):
        found = {}
        for command in COMMANDS[:: 1 if number % 2 == 0 else -1]:
            start, whole = clocked(command, one, folder), clocked(command, many, folder)
            net = [a - b for a, b in zip(whole, start, strict=True)]
            found[command] = {
                "wall": net[0], "processor": net[1], "wall, with the start": whole[0]
            }  # fmt: skip
            print(f"{command}: {net[0]:.1f} s, processor {net[1]:.1f} s; start {start[0]:.1f} s, "
                  f"processor {start[1]:.1f} s", flush=True)  # fmt: skip
        for clock, own in ratios.items():
            own.append(found["deblur"][clock] / found["bulk"][clock])
    for clock, own in ratios.items():
        each = ", ".join(f"{ratio:.3f}" for ratio in own)
        print(
            f"throughput of bulk / deblur by {clock}: median {statistics.median(own):.3f} ({each})"
        )


def memory(photos: Path, folder: Path, count: int) -> None:
    """Prints the memory of the driver's two processes over a run."""
    source, out = folder / "many", folder / "out"
    make(photos, source, 0, 0.005)
    for index in range(1, count):
        shutil.copy(source / "0000.jpg", source / f"{index:05}.jpg")
    with start("bulk", source, out) as process:
        driver, last = psutil.Process(process.pid), 0.0
        while process.poll() is None:
            time.sleep(0.5)
            if time.monotonic() - last < 15:
                continue
            last = time.monotonic()
            parts: dict[str, int] = {"driver": driver.memory_info().rss}
            for child in driver.children(recursive=True):
                for part in ("Ledger", "_execute"):
                    if part in child.name():
                        parts[part] = child.memory_info().rss
            done = sum(1 for _ in out.glob("*.jpg"))
            said = ", ".join(f"{name} {rss / 1e6:.0f} MB" for name, rss in parts.items())
            print(f"{done} photos: {said}", flush=True)


def make(photos: Path, folder: Path, index: int, megapixels: float) -> float:
    """Makes a JPEG of so many megapixels of one of the photos; returns its size."""
    folder.mkdir(exist_ok=True)
    found = sorted(p for p in photos.rglob("*") if p.suffix in (".jpg", ".png", ".webp"))
    image: Any = pyvips.Image.new_from_file(str(found[index * 7 % len(found)]))
    image = image.resize((megapixels * 1e6 / (image.width * image.height)) ** 0.5)
    image.jpegsave(str(folder / f"{index:04}.jpg"), Q=92)
    return image.width * image.height / 1e6


def clocked(command: str, photos: Path, folder: Path) -> tuple[float, float]:
    """Seconds of a run, and the processor's seconds of all its processes."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    began, used = time.perf_counter(), {}
    with start(command, photos, out) as process:
        top = psutil.Process(process.pid)
        while process.poll() is None:
            for own in (top, *top.children(recursive=True)):
                try:
                    times = own.cpu_times()
                    used[own.pid, own.create_time()] = times.user + times.system
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.1)
    if process.returncode:
        sys.exit(f"{command} failed")
    return time.perf_counter() - began, sum(used.values())


def start(command: str, photos: Path, out: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "unblur", command, str(photos), "-o", str(out)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
