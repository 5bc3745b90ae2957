"""Stored results, and the comparison of a run with the last of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import BenchmarkError, Figure
from benchmarks.machine import differences

FOLDER = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Result:
    """The result of a run.

    Attributes:
        date: of its start, UTC, as 2026-01-31T12:00:00.
        machine: as `machine.describe` returns it.
        load: of the machine at the start.
        figures: by benchmark.
    """

    date: str
    quick: bool
    model: str
    machine: dict[str, Any]
    load: float | None
    figures: dict[str, list[Figure]]


def save(result: Result, folder: Path) -> Path:
    """Write DATE.json, or DATE-quick.json."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = "-quick" if result.quick else ""
    path = folder / f"{result.date.replace(':', '')}{kind}.json"
    path.write_text(json.dumps(dataclasses.asdict(result), indent=1) + "\n", encoding="utf-8")
    return path


def load_all(folder: Path = FOLDER) -> list[Result]:
    """The results of a folder by date; raises BenchmarkError for a file that is none."""
    return [load(path) for path in sorted(folder.glob("*.json"))]


def load(path: Path) -> Result:
    """Read what `save` wrote; raises BenchmarkError for anything else."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        figures = {name: [Figure(**f) for f in own] for name, own in fields["figures"].items()}
        return Result(**fields | {"figures": figures})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BenchmarkError(
            f"{path}: not a result of `python -m benchmarks --save` ({error}); remove it"
        ) from None


def last(stored: Iterable[Result], benchmark: str, like: Result) -> Result | None:
    """The newest result with the benchmark and the same options, of this machine if any is."""
    found = [
        r for r in stored
        if r.quick == like.quick and r.model == like.model and r.figures.get(benchmark)
    ]  # fmt: skip
    same = [r for r in found if not differences(_hardware(r), _hardware(like))]
    return max(same or found, key=lambda r: r.date, default=None)


def change(now: Figure, then: Figure) -> float:
    """The ratio now / then; for decibels, which are logarithms, the difference."""
    if now.unit == "dB":
        return now.value - then.value
    if now.value == then.value:
        return 1.0
    return now.value / then.value if then.value else float("inf")


def apart(now: Figure, then: Figure) -> bool:
    """Whether the ranges of the two runs do not overlap; one sample has no range."""
    ranges = now.low < now.high and then.low < then.high
    return ranges and (now.low > then.high or now.high < then.low)


def table(figures: list[Figure], then: list[Figure]) -> list[str]:
    """Lines of median, range and ratio, the same of `then` beside them, and now/then."""
    before = {f.key: f for f in then}
    last = f"{'then':>11}{'ratio':>7}{'now/then':>10}" if then else ""
    lines = [f"{'':42}{'median':>16}{'range':>21}{'ratio':>7}{last}"]
    group = None
    for now in figures:
        if now.group != group:
            lines.append(group := now.group)
        spread = "" if now.low == now.high else f"{now.low:.3g} to {now.high:.3g}"
        line = f"  {now.name:40}{f'{now.value:.3g} {now.unit}':>16}{spread:>21}{_ratio(now)}"
        if old := before.get(now.key):
            by = f"{change(now, old):{'+.2f' if now.unit == 'dB' else '.2f'}}"
            line += f"{old.value:11.3g}{_ratio(old)}{by:>10}{' !' if apart(now, old) else ''}"
        lines.append(line.rstrip())
    return lines


def _hardware(result: Result) -> dict[str, Any]:
    return {key: value for key, value in result.machine.items() if key != "versions"}


def _ratio(figure: Figure) -> str:
    return f"{'' if figure.ratio is None else f'{figure.ratio:.2f}':>7}"
