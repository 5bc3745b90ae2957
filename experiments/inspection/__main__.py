"""Make the tables of docs/inspect.md: how well blur is measured, and what measuring it gains.

    python -m experiments.inspection [--measure NAME]... [--photos DIR] [--pairs DIR]...
        [--table docs/inspect.md]

The tables are made from the stored results, NAME.json beside this file; --measure makes them anew:

    pairs    whether the blurred picture of a real pair scores below the sharp one (needs --pairs)
    motion   the estimates for photos moved along paths of 0.5 to 40 pixels
    kinds    what sharp and defocused photos and moving subjects are called
    little   what deblurring changes at paths of 0.5 to 3 pixels
    long     what it gains at paths of 10 to 240 pixels, and on pairs, scale by scale
    all      all of them (pairs only with --pairs)

Of --photos those that training holds out are measured, every 13th by name; without it, four of
scikit-image.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from experiments import documents
from experiments.inspection import table
from unblur.errors import UnblurError

HERE = Path(__file__).parent
NAMES = ("pairs", "motion", "kinds", "little", "long")


def main(command: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, or 1 after one line on standard error."""
    parser = argparse.ArgumentParser(
        "python -m experiments.inspection", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--measure", action="append", default=[], choices=(*NAMES, "all"), help="repeatable")
    add("--photos", type=Path, metavar="DIR", help="folder of sharp photos")
    add("--pairs", type=Path, action="append", default=[], metavar="DIR", help="real pairs; "
        "repeatable")  # fmt: skip
    add("--every", type=int, help="take every so-many-th photo (default 13; 1: all)")
    add("--count", type=int, help="photos at most")
    add("--model", default="default", help="bundled name or ONNX file")
    add("--precision", default="f32", help="of the networks (default f32)")
    add("--scale", type=_scale, action="append", default=[], metavar="S", help="for long: auto, 1, "
        "1/2, ...; repeatable")  # fmt: skip
    add("--large", type=int, default=4, help="for long: enlarged photos, those with "
        "the most pixels (default 4; 0: none)")  # fmt: skip
    add("--quick", action="store_true", help="measure next to nothing, to test that all runs")
    add("--table", type=Path, help="Markdown file with places for the tables")
    add("--out", type=Path, default=HERE, help="folder of the stored results")
    options = parser.parse_args(command)
    try:
        _run(options)
    except UnblurError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.table:  # first, since measuring may take hours
        for place in table.PLACES:
            documents.require_place(options.table, place)
    asked = set(options.measure)
    if "all" in asked:
        asked = {name for name in NAMES if name != "pairs" or options.pairs}
    if "pairs" in asked and not options.pairs:
        raise UnblurError("--measure pairs needs --pairs")
    for name in NAMES:
        if name in asked:
            _measure(name, options)
    stored = {name: _read(options.out / f"{name}.json") for name in NAMES}
    stored = {name: result for name, result in stored.items() if result}
    if not stored:
        raise UnblurError(f"{options.out}: no stored results; --measure makes them")
    for place, text in table.markdown(stored).items():
        print(f"{text}\n")
        if options.table:
            documents.put(options.table, place, text)


def _measure(name: str, options: argparse.Namespace) -> None:
    from experiments.inspection import estimates, gains
    from experiments.inspection.setup import Setup

    setup = Setup(
        options.photos, tuple(options.pairs), options.every, options.count, options.model,
        options.precision, tuple(options.scale), options.large, options.quick,
    )  # fmt: skip
    result = getattr(gains if name in ("little", "long") else estimates, name)(setup)
    result["photos_of"] = options.photos.name if options.photos else "scikit-image"
    options.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1) + "\n"
    (options.out / f"{name}.json").write_text(text, encoding="utf-8")


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _scale(text: str) -> float | str:
    return text if text == "auto" else float(Fraction(text))


if __name__ == "__main__":
    sys.exit(main())
