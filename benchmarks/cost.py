"""Seconds and peak memory against the number of pixels, and the lines fitted to them.

Both should be straight lines: seconds for all sizes, memory for photos of several tiles, since
within one tile all pixels are in the network at once. The sizes run in turns in one process for the
seconds, and the line is fitted to the fastest rounds; for the peak each has its own process.

    python -m benchmarks.cost

draws docs/images/cost.svg from the newest stored result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import ROOT, BenchmarkError, Figure, Setup, engines, figure, machine, results
from benchmarks.timing import interleave, timed
from benchmarks.workers import Worker

MEGAPIXELS, TILE = (0.25, 0.5, 1, 2, 4, 8, 12, 24), 1280
QUICK_MEGAPIXELS, QUICK_TILE = (0.03, 0.1, 0.2), 256
IMAGE = ROOT / "docs" / "images" / "cost.svg"


@dataclass(frozen=True)
class Line:
    """y = fixed + slope x; `departure` is the largest relative distance of a point."""

    fixed: float
    slope: float
    departure: float


def run(setup: Setup) -> Iterator[Figure]:
    """Seconds and peaks by size, then the two lines."""
    sizes, tile = (QUICK_MEGAPIXELS, QUICK_TILE) if setup.quick else (MEGAPIXELS, TILE)
    runtime = engines.floats()[-1]
    deblurrer = engines.deblurrer(runtime, setup.model, tile)
    tasks = {
        name_of(size): timed(partial(deblurrer, engines.noise(*shape(size)))) for size in sizes
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
    # The fastest round, since other load can only add time, and more to some sizes than to others.
    times = [(size_of(f.name), f.low) for f in seconds]
    tiled = [(size_of(f.name), f.value) for f in peaks if min(shape(size_of(f.name))) > tile]
    for name, unit, points in (("seconds", "s", times), ("peak memory", "GB", tiled)):
        line = fit(*zip(*points, strict=True))
        yield figure(f"line of {name}", "fixed", unit, line.fixed)
        yield figure(f"line of {name}", "a megapixel", unit, line.slope)
        yield figure(f"line of {name}", "largest departure", "%", 100 * line.departure)


def fit(x: Sequence[float], y: Sequence[float]) -> Line:
    """The line of least squares of the relative distances, so that small photos count too."""
    slope, fixed = np.polyfit(x, y, 1, w=1 / np.asarray(y))
    away = np.abs(fixed + slope * np.asarray(x) - y) / y
    return Line(float(fixed), float(slope), float(away.max()))


def main() -> None:
    """Draw the newest stored result that has the costs."""
    stored = [r for r in results.load_all() if r.figures.get("cost") and not r.quick]
    if not stored:
        raise BenchmarkError("no stored result; python -m benchmarks --only cost --save makes one")
    draw(stored[-1], IMAGE)


def draw(result: results.Result, path: Path) -> None:
    """Draw points and lines of a result, if it has them, to an .svg or .png file."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Picture

    figures = result.figures.get("cost")
    if not figures:
        return
    value = {f.key[:2]: f.value for f in figures}
    picture = Picture(figsize=(9, 3.6), layout="constrained")
    for axes, group, label in zip(
        picture.subplots(1, 2), ("seconds", "peak memory"), ("seconds", "peak memory, GB"),
        strict=True,
    ):  # fmt: skip
        x, y = zip(*((size_of(f.name), f.low) for f in figures if f.group == group), strict=True)
        fixed, slope, away = (
            value[f"line of {group}", name]
            for name in ("fixed", "a megapixel", "largest departure")
        )
        ends = np.array([0, max(x)])
        axes.plot(ends, fixed + slope * ends, color="0.6")
        axes.plot(x, y, "o", color="C0")
        axes.set(xlabel="megapixels", ylabel=label, xlim=(0, None), ylim=(0, None))
        line = f"{fixed:.2g} + {slope:.2g} a megapixel; off by {away:.0f} % at most"
        axes.set_title(line, fontsize="small")
    picture.suptitle(f"Cost of a photo, {machine.name(result.machine)}", fontsize="medium")
    # A fixed salt: the same figures make the same file.
    with mpl.rc_context({"svg.hashsalt": "unblur"}):
        picture.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=120)
    print(path)


def shape(megapixels: float) -> tuple[int, int]:
    """Height and width of a photo of aspect ratio 3 to 4."""
    height = round(math.sqrt(megapixels * 1e6 * 3 / 4))
    return height, round(height * 4 / 3)


def name_of(megapixels: float) -> str:
    return f"{megapixels:g} megapixels"


def size_of(name: str) -> float:
    return float(name.split()[0])


if __name__ == "__main__":
    main()
