"""Runs the benchmarks, and sets each beside the last stored result.

Versions within a group took turns: `ratio` is to the group's first, round by round, and is what
counts, for a machine's speed swings. `now/then` is to the last stored result; `!` marks the figures
whose ranges in the two runs have nothing in common.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import ROOT, Figure, Setup, cost, machine, results
from unblur.errors import UnblurError

IMAGE = ROOT / "docs" / "images" / "cost.svg"

NAMES = (
    "yardstick", "inference", "tiling", "cost", "folder", "gigapixel", "synthesis", "training",
    "harm", "kill", "serve",
)  # fmt: skip
NEEDED = {"harm": ("photos", "pairs")}
"""What a benchmark cannot run without; without it, it is only run if it is named."""


def main(command: Sequence[str] | None = None) -> int:
    """0 if all went well, 1 if a benchmark failed."""
    options = parse(command)
    setup = Setup(options.quick, options.photos, options.pairs, options.model, options.side)
    date = datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    here, load = machine.describe(), machine.load()
    result = results.Result(date, setup.quick, setup.model, here, load, {})
    print(f"{machine.name(here)}\n" + ", ".join(f"{k} {v}" for k, v in here["versions"].items()))
    if load is not None and load > here["cores"] / 2:
        print(f"the machine is busy (load {load}): only ratios side by side mean anything")
    failed = 0
    try:
        stored = [results.load(path) for path in sorted(options.results.glob("*.json"))]
    except UnblurError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        for name in options.only or NAMES:
            missing = [n for n in NEEDED.get(name, ()) if getattr(setup, n) is None]
            if missing and not options.only:
                print(f"\n{name}: left out, needs {' and '.join(f'--{n}' for n in missing)}")
                continue
            failed += not measure(name, setup, result, stored)
    finally:
        # An hour may be in it, whatever stopped the rest.
        if options.save and result.figures:
            # Tiny sizes are no picture of what photos cost.
            image = options.image or (None if setup.quick else IMAGE)
            keep(result, options.results, image)
    return min(failed, 1)


def measure(name: str, setup: Setup, result: results.Result, stored: list[results.Result]) -> bool:
    """Runs one, adds its figures to the result and prints them; False if it failed on the way."""
    module = importlib.import_module(f"benchmarks.{name}")
    print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
    figures: list[Figure] = []
    failed = False
    try:
        figures.extend(module.run(setup))
    except UnblurError as error:
        print(f"{name}: {error}", file=sys.stderr)
        failed = True
        if not figures:
            return False
    before = results.last(stored, name, result)
    if before:
        print(f"then: {before.date}, {machine.name(before.machine)}")
        for line in machine.differences(before.machine, result.machine):
            print(f"  differs: {line}")
    print("\n".join(results.table(figures, before.figures[name] if before else [])), flush=True)
    result.figures[name] = figures
    return not failed


def keep(result: results.Result, folder: Path, image: Path | None) -> None:
    """Stores the result and, if costs are among it and it is to be drawn, draws them."""
    print(f"\nstored: {results.save(result, folder)}")
    figures = result.figures.get("cost")
    if figures and image:
        cost.draw(figures, machine.name(result.machine), image)
        print(f"drawn: {image}")


def parse(command: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--only", action="append", choices=NAMES, help="this one; may be repeated")
    add("--quick", action="store_true", help="tiny sizes: whether everything runs")
    add("--photos", type=Path, help="a folder of sharp photos, for training and harm")
    add("--pairs", type=Path, help="a folder of real pairs, for harm")
    add("--model", default="default", help="a bundled model's name, or an ONNX file")
    add("--side", type=int, help="of gigapixel's photo, in pixels")
    add("--save", action="store_true", help="store the result, and draw cost against pixels")
    add("--results", type=Path, default=ROOT / "benchmarks" / "results", help="stored results")
    add("--image", type=Path, help="what --save draws; without --quick: docs/images/cost.svg")
    return parser.parse_args(command)


if __name__ == "__main__":
    sys.exit(main())
