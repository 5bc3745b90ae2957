"""Cost against pixels: seconds and peak memory of photos of many sizes, and the lines they lie on.

Both must be straight lines: seconds from the first pixel on, memory from photos of several tiles
on (within one tile all of its pixels are in the network at once). Sizes take turns in one process
for the seconds, whose line goes through the fastest rounds; for the peak each has a fresh one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import Figure, Setup, engines, figure
from benchmarks.timing import interleave, timed
from benchmarks.workers import Worker

MEGAPIXELS, TILE = (0.25, 0.5, 1, 2, 4, 8, 12, 24), 1280
QUICK_MEGAPIXELS, QUICK_TILE = (0.03, 0.1, 0.2), 256


@dataclass(frozen=True)
class Line:
    """y = fixed + slope x."""

    fixed: float
    slope: float
    departure: float
    """The largest distance of a point from the line, as a share of the point."""


def run(setup: Setup) -> Iterator[Figure]:
    """Seconds and peaks by size, then the two lines."""
    sizes, tile = (QUICK_MEGAPIXELS, QUICK_TILE) if setup.quick else (MEGAPIXELS, TILE)
    runtime = engines.BF16 if engines.has_bf16() else engines.OPENVINO
    deblurrer = engines.deblurrer(runtime, setup.model, tile)
    tasks = {
        name_of(size): timed(partial(deblurrer, engines.photo(*shape(size)))) for size in sizes
    }
    samples = interleave(tasks, 2 if setup.quick else 3)
    seconds = [figure("seconds", name, "s", own) for name, own in samples.items()]
    yield from seconds
    peaks = []
    for size in sizes:
        with Worker() as worker:
            worker.prepare(engines.make, runtime, setup.model, *shape(size), tile)
            worker.repeat()
            peaks.append(figure("peak memory", name_of(size), "GB", worker.peak()))
    yield from peaks
    yield from lines(seconds, peaks, tile)


def lines(seconds: Sequence[Figure], peaks: Sequence[Figure], tile: int) -> Iterator[Figure]:
    """What the two lines are, and the largest departures from them."""
    # The fastest round, as another's load can only add; it may differ from size to size.
    times = [(size_of(f.name), f.low) for f in seconds]
    tiled = [(size_of(f.name), f.value) for f in peaks if min(shape(size_of(f.name))) > tile]
    for name, unit, points in (("seconds", "s", times), ("peak memory", "GB", tiled)):
        line = fit(*zip(*points, strict=True))
        yield figure(f"line of {name}", "fixed", unit, line.fixed)
        yield figure(f"line of {name}", "a megapixel", unit, line.slope)
        yield figure(f"line of {name}", "largest departure", "%", 100 * line.departure)


def fit(x: Sequence[float], y: Sequence[float]) -> Line:
    """The line of the least squared departures relative to the points: small photos count too."""
    slope, fixed = np.polyfit(x, y, 1, w=1 / np.asarray(y))
    away = np.abs(fixed + slope * np.asarray(x) - y) / y
    return Line(float(fixed), float(slope), float(away.max()))


def draw(figures: Sequence[Figure], machine: str, path: Path) -> None:
    """Two panels, points and lines.

    Args:
        figures: what `run` gave.
        machine: its name, for the title.
        path: the picture, .svg or .png.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure as Picture

    value = {f.key[:2]: f.value for f in figures}
    picture = Picture(figsize=(9, 3.6), layout="constrained")
    for axes, group, unit in zip(
        picture.subplots(1, 2), ("seconds", "peak memory"), ("s", "GB"), strict=True
    ):
        x, y = zip(*((size_of(f.name), f.low) for f in figures if f.group == group), strict=True)
        fixed, slope, away = (
            value[f"line of {group}", name]
            for name in ("fixed", "a megapixel", "largest departure")
        )
        ends = np.array([0, max(x)])
        axes.plot(ends, fixed + slope * ends, color="0.6")
        axes.plot(x, y, "o", color="C0")
        axes.set(xlabel="megapixels", ylabel=f"{group}, {unit}" if unit == "GB" else group)
        axes.set(xlim=(0, None), ylim=(0, None))
        line = f"{fixed:.2g} + {slope:.2g} a megapixel; off by {away:.0f} % at most"
        axes.set_title(line, fontsize="small")
    picture.suptitle(f"Cost of a photo, {machine}", fontsize="medium")
    # The same figures make the same file.
    with mpl.rc_context({"svg.hashsalt": "unblur"}):
        picture.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=120)


def shape(megapixels: float) -> tuple[int, int]:
    """Height and width, 3 to 4."""
    height = round(math.sqrt(megapixels * 1e6 * 3 / 4))
    return height, round(height * 4 / 3)


def name_of(megapixels: float) -> str:
    return f"{megapixels:g} megapixels"


def size_of(name: str) -> float:
    return float(name.split()[0])
