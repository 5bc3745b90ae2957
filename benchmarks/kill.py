"""Kills a run on a folder at random moments, and compares its tree with an undisturbed run's.

    python benchmarks/kill.py [--photos 500] [--kills 5] [--jobs 3] [--seed 0]

The photos are small, of every format, and made here. Ends with 1 if the trees differ.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyvips


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        photos, whole, killed = (Path(folder) / name for name in ("photos", "whole", "killed"))
        make_photos(photos, arguments.photos)
        began = time.perf_counter()
        check(start(photos, whole, arguments.jobs))
        seconds = time.perf_counter() - began
        print(f"undisturbed: {arguments.photos} photos in {seconds:.1f} s")
        for _ in range(arguments.kills):
            run = start(photos, killed, arguments.jobs)
            # Of the time that a run has left, on average, so that every kill hits a run at work.
            time.sleep(chance.uniform(0.1, 2 * seconds / (arguments.kills + 1)))
            ended = run.poll() is not None
            run.kill()
            run.communicate()
            done = sum(not p.name.startswith(".") for p in files(killed))
            strays = sum(p.name.startswith(".unblur-") for p in files(killed))
            print(f"killed{' after its end' if ended else ''}: {done} photos, {strays} unfinished")
        check(start(photos, killed, arguments.jobs))
        same = tree(killed) == tree(whole) and len(tree(whole)) == arguments.photos + 1
    print("the trees are equal, byte for byte" if same else "THE TREES DIFFER")
    sys.exit(not same)


def make_photos(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    for index in range(count):
        small: Any = pyvips.Image.new_from_array(rng.integers(0, 255, (8, 8, 3), np.uint8))
        path = folder / f"{index % 7}" / f"{index:04d}{('.jpg', '.png', '.webp')[index % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        small.resize(8).write_to_file(str(path))


def start(photos: Path, out: Path, jobs: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "unblur", "deblur", str(photos), "-o", str(out)]
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, f"--jobs={jobs}"], stdout=pipe, stderr=pipe, text=True)


def check(run: subprocess.Popen[str]) -> None:
    said, errors = run.communicate()
    print(said, end="")
    if run.returncode:
        sys.exit(f"ended with {run.returncode}: {errors}")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in files(folder)}


if __name__ == "__main__":
    main()
