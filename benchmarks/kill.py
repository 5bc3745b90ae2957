"""A run on a folder is killed at random moments; its tree must equal an undisturbed run's.

The photos are small, of every format, and made here.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from benchmarks import BenchmarkError, Figure, Setup, figure

JOBS = 3


def run(setup: Setup) -> Iterator[Figure]:
    """How much of the work each killed run had done; raises BenchmarkError if the trees differ."""
    photos, kills = (4, 1) if setup.quick else (500, 5)
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        source, whole, killed = (Path(folder) / name for name in ("photos", "whole", "killed"))
        make_photos(source, photos)
        began = time.perf_counter()
        check(start(source, whole))
        seconds = time.perf_counter() - began
        yield figure(f"{photos} photos", "undisturbed", "s", seconds)
        done = []
        for _ in range(kills):
            process = start(source, killed)
            # Of the time that a run has left, on average, so that every kill hits a run at work.
            time.sleep(chance.uniform(0.1, 2 * seconds / (kills + 1)))
            process.kill()
            process.communicate()
            done.append(float(sum(not path.name.startswith(".") for path in files(killed))))
        yield figure(f"{photos} photos", "done when killed", "photos", done)
        check(start(source, killed))
        # The report of a folder is the one file that no photo has.
        if tree(killed) != tree(whole) or len(tree(whole)) != photos + 1:
            raise BenchmarkError("the tree of the killed runs differs from the undisturbed one's")


def make_photos(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    for index in range(count):
        small: Any = pyvips.Image.new_from_array(rng.integers(0, 255, (8, 8, 3), np.uint8))
        path = folder / f"{index % 7}" / f"{index:04d}{('.jpg', '.png', '.webp')[index % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        small.resize(8).write_to_file(str(path))


def start(photos: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "unblur", "deblur", str(photos), "-o", str(out)]
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, f"--jobs={JOBS}"], stdout=pipe, stderr=pipe, text=True)


def check(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate()
    if process.returncode:
        raise BenchmarkError(f"unblur deblur ended with {process.returncode}: {errors.strip()}")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in files(folder)}
