"""Folders of photos, and runs on them without a network, for tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from typer.testing import CliRunner

from tests.files import write
from unblur.cli import app
from unblur.inference.contract import Contract
from unblur.inference.options import Scale
from unblur.inference.scales import ScaleMap

PIXELS = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
SLOW = """
import os, random, sys, time
from itertools import count
from types import SimpleNamespace
from unblur.batch import folder
from unblur.inference import deblurrer
from unblur.inference.contract import Contract
from unblur.inference.scales import ScaleMap
class Slow:
    engine = SimpleNamespace(contract=Contract(), digest="0")
    calls = count(1)
    note = ""
    def __init__(self, *_, tile=None, **__):
        self.tile, self.best, self.scale = tile, False, "auto"
    def __call__(self, image, strength):
        seconds = float(os.environ["SECONDS"])
        print("begun", file=sys.stderr, flush=True)
        time.sleep(seconds)
        if next(self.calls) == int(os.environ["KILL"]):
            time.sleep(random.random() * seconds)
            os.kill(os.getpid(), 9)
        return 255 - image
    def scales(self, source):
        return ScaleMap.of_one(1.0)
    def strips(self, source, strength, scales, report):
        yield slice(None), source, self(source, strength)
folder.Deblurrer = deblurrer.Deblurrer = Slow
sys.argv[0] = "unblur"
from unblur.cli import app
app()
"""


class Inverter:
    """Stands for the network: as fast, and as sure to change a photo, as a test needs."""

    calls = 0
    engine = SimpleNamespace(contract=Contract(), digest="0")

    description = "upside down"
    note = ""

    def __init__(
        self, *_: object, tile: int | None = None, best: bool = False, scale: Scale = "auto",
        **__: object,
    ) -> None:  # fmt: skip
        self.tile, self.best, self.scale, self.masked = tile or 512, best, scale, True

    def __call__(self, image: np.ndarray, strength: float = 1.0) -> np.ndarray:
        type(self).calls += 1
        return 255 - image if strength else image

    def scales(self, _: object) -> ScaleMap:
        """By itself, one part is deblurred at half size, two at full size."""
        if self.scale != "auto":
            return ScaleMap.of_one(float(self.scale))
        shares = {1.0: 2 / 3, 0.5: 1 / 3}
        return ScaleMap({s: np.full((1, 1), share) for s, share in shares.items()}, 1.0)

    def strips(
        self, source: np.ndarray, strength: float = 1.0, *_: object
    ) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        yield slice(None), source, self(source, strength)


def deblur(*arguments: object) -> tuple[int, list[str], list[str]]:
    """The exit code, and the lines of standard output and error."""
    result = CliRunner().invoke(app, ["deblur", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout.splitlines(), result.stderr.splitlines()


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def fill(folder: Path, *names: str) -> Path:
    for index, name in enumerate(names):
        write(folder / name, np.roll(PIXELS, index, axis=0))
    return folder


def start(photos: Path, out: Path, seconds: float = 0.02, kill: int = 0) -> subprocess.Popen[str]:
    """A run in a process of its own, where a photo takes so long, and one of them kills it."""
    arguments = [sys.executable, "-c", SLOW, "deblur", str(photos), "-o", str(out)]
    pipe = subprocess.PIPE
    environment = {**os.environ, "SECONDS": str(seconds), "KILL": str(kill)}
    return subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True, env=environment)


def wait_for(out: Path, photos: int) -> None:
    """Waits until so many results are there."""
    end = time.monotonic() + 30
    while time.monotonic() < end and len(list(out.rglob("[!.]*.png"))) < photos:
        time.sleep(0.002)
