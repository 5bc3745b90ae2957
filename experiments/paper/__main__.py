"""Make the tables of the paper's claims: quality under both protocols, and the cost of a frame.

    python -m experiments.paper [--quality PAIRS] [--cost] [--model models/paper.safetensors]
        [--table docs/paper.md]

The tables are made from quality.json and cost.json beside this file. --quality measures the first
anew, as `unblur evaluate` does, of the paper's model and of the default one, and draws a figure of
each protocol; --cost measures the second anew.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import IMAGES, ROOT, documents
from experiments.paper import table
from unblur.errors import UnblurError

HERE = Path(__file__).parent


def main(command: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, or 1 after one line on standard error."""
    parser = argparse.ArgumentParser(
        "python -m experiments.paper", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--quality", type=Path, metavar="PAIRS", help="measure the quality on these pairs")
    add("--cost", action="store_true", help="measure the cost")
    # Relative, since its name is printed in the figures.
    model = Path(os.path.relpath(ROOT / "models" / "paper.safetensors"))
    add("--model", type=Path, default=model, help="checkpoint of the paper's generator")
    add("--rounds", type=int, default=3, help="number of timed runs")
    add("--table", type=Path, help="Markdown file with a place for the tables")
    add("--out", type=Path, default=HERE, help="folder of quality.json and cost.json")
    add("--images", type=Path, default=IMAGES, help="folder of the figures")
    options = parser.parse_args(command)
    return documents.publish(lambda: make(options), options.table, table.PLACE)


def make(options: argparse.Namespace) -> str:
    """The tables, after the measurements that were asked for.

    Raises:
        UnblurError: for unusable pairs and models, or results that are not stored.
    """
    from experiments.paper import measure

    options.out.mkdir(parents=True, exist_ok=True)
    if options.quality:
        found = measure.qualities(options.quality, options.model, options.images)
        _store(options.out, "quality", found)
    if options.cost:
        _store(options.out, "cost", measure.costs(options.model, options.rounds))
    return table.markdown(stored(options.out, "quality"), stored(options.out, "cost"))


def stored(folder: Path, name: str) -> dict[str, Any]:
    """A stored result; raises UnblurError if there is none."""
    path = folder / f"{name}.json"
    if not path.is_file():
        raise UnblurError(f"{path}: not there; --{name} measures it")
    return json.loads(path.read_text(encoding="utf-8"))


def _store(folder: Path, name: str, result: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
