"""Run the benchmarks and compare each with the last stored result.

The versions within a group are measured in turns: `ratio`, to the group's first, is taken round by
round and is the figure to read, since a machine's speed varies. `now/then` is the ratio to the last
stored result; `!` marks figures whose ranges in the two runs do not overlap.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import Figure, Setup, cost, machine, results
from unblur.errors import UnblurError

NAMES = (
    "yardstick", "inference", "tiling", "cost", "folder", "gigapixel", "synthesis", "training",
    "harm", "kill", "serve", "web", "bulk",
)  # fmt: skip
NEEDED = {"harm": ("photos", "pairs")}
"""Options without which a benchmark is skipped, unless it is named."""


def main(command: Sequence[str] | None = None) -> int:
    """Run the command line; returns 1 if a benchmark failed."""
    options = parse(command)
    setup = Setup(options.quick, options.photos, options.pairs, options.model, options.side)
    date = datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    here, load = machine.describe(), machine.load()
    result = results.Result(date, setup.quick, setup.model, here, load, {})
    print(f"{machine.name(here)}\n" + ", ".join(f"{k} {v}" for k, v in here["versions"].items()))
    if load is not None and load > here["cores"] / 2:
        print(f"the machine is busy (load {load}): read ratios only")
    failed = 0
    try:
        stored = results.load_all(options.results)
    except UnblurError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        for name in options.only or NAMES:
            missing = [n for n in NEEDED.get(name, ()) if getattr(setup, n) is None]
            if missing and not options.only:
                print(f"\n{name}: skipped, needs {' and '.join(f'--{n}' for n in missing)}")
                continue
            failed += not measure(name, setup, result, stored)
    finally:
        # Also after an interruption, since the figures may have taken hours.
        if options.save and result.figures:
            print(f"\nstored: {results.save(result, options.results)}")
            if options.image or not setup.quick:
                cost.draw(result, options.image or cost.IMAGE)
    return min(failed, 1)


def measure(name: str, setup: Setup, result: results.Result, stored: list[results.Result]) -> bool:
    """Run a benchmark, add its figures to the result and print them; False if it failed."""
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


def parse(command: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--only", action="append", choices=NAMES, help="run this benchmark; repeatable")
    add("--quick", action="store_true", help="use tiny sizes, to test that everything runs")
    add("--photos", type=Path, help="folder of sharp photos, for training and harm")
    add("--pairs", type=Path, help="folder of real pairs, for harm")
    add("--model", default="default", help="name of a bundled model, or an ONNX file")
    add("--side", type=int, help="side of gigapixel's photo in pixels")
    add("--save", action="store_true", help="store the result, and draw cost against pixels")
    add("--results", type=Path, default=results.FOLDER, help="folder of stored results")
    add("--image", type=Path, help="picture that --save draws (default docs/images/cost.svg, "
        "with --quick none)")  # fmt: skip
    return parser.parse_args(command)


if __name__ == "__main__":
    sys.exit(main())
