"""A run on a folder is killed at random moments; its result must equal an undisturbed run's.

The photos are small and of several formats.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import BenchmarkError, Figure, Setup, engines, figure

JOBS = 3


def run(setup: Setup) -> Iterator[Figure]:
    """The photos done at each kill; raises BenchmarkError if the results differ."""
    photos, kills = (4, 1) if setup.quick else (500, 5)
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        source, whole, killed = (Path(folder) / name for name in ("photos", "whole", "killed"))
        for index in range(photos):
            path = source / f"{index % 7}" / f"{index:04d}{('.jpg', '.png', '.webp')[index % 3]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            engines.texture(64 + index % 16, 64).write_to_file(str(path))
        began = time.perf_counter()
        check(start(source, whole))
        seconds = time.perf_counter() - began
        yield figure(f"{photos} photos", "undisturbed", "s", seconds)
        done = []
        for _ in range(kills):
            process = start(source, killed)
            # On average a share of the remaining time, so that every kill hits a working run.
            time.sleep(chance.uniform(0.1, 2 * seconds / (kills + 1)))
            process.kill()
            process.communicate()
            done.append(float(sum(not Path(name).name.startswith(".") for name in tree(killed))))
        yield figure(f"{photos} photos", "done when killed", "photos", done)
        check(start(source, killed))
        # One file more than the photos: the folder's report.
        if tree(killed) != tree(whole) or len(tree(whole)) != photos + 1:
            raise BenchmarkError("the tree of the killed runs differs from the undisturbed one's")


def start(photos: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "unblur", "deblur", str(photos), "-o", str(out)]
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, f"--jobs={JOBS}"], stdout=pipe, stderr=pipe, text=True)


def check(process: subprocess.Popen[str]) -> None:
    """Wait for the process; raises BenchmarkError if it failed."""
    _, errors = process.communicate()
    if process.returncode:
        raise BenchmarkError(f"unblur deblur ended with {process.returncode}: {errors.strip()}")


def tree(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
