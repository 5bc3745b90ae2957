"""Benchmarks of time, memory and robustness; `python -m benchmarks` runs them.

A benchmark is a module with `run(setup)`, which yields its figures, and a docstring whose first
line says what it measures.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unblur.errors import UnblurError

ROOT = Path(__file__).parents[1]


class BenchmarkError(UnblurError):
    """A benchmark cannot run, or its outcome is wrong."""


@dataclass(frozen=True)
class Setup:
    """The options of a run.

    Attributes:
        quick: use tiny sizes and few rounds, to test that everything runs.
        photos: folder of sharp photos.
        pairs: folder of real pairs, as `unblur evaluate` takes it.
        model: name of a bundled model, or an ONNX file.
        side: side of `gigapixel`'s photo in pixels.
    """

    quick: bool = False
    photos: Path | None = None
    pairs: Path | None = None
    model: str = "default"
    side: int | None = None


@dataclass(frozen=True)
class Figure:
    """One measured figure. A group's figures were measured in turns.

    Attributes:
        value: median of the rounds, between `low` and `high`.
        ratio: to the group's first figure, the median of the ratios round by round.
    """

    group: str
    name: str
    unit: str
    value: float
    low: float
    high: float
    ratio: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Identifies the figure in every run."""
        return self.group, self.name, self.unit


def figure(
    group: str, name: str, unit: str, samples: float | Sequence[float], ratio: float | None = None
) -> Figure:
    """A figure of one or several samples."""
    many = samples if isinstance(samples, Sequence) else [samples]
    return Figure(group, name, unit, statistics.median(many), min(many), max(many), ratio)


def side_by_side(group: str, unit: str, samples: Mapping[str, Sequence[float]]) -> list[Figure]:
    """Figures of versions measured in turns, with their ratios to the first.

    Args:
        samples: by version, one for each round.
    """
    first = next(iter(samples.values()))
    return [
        # The median of the rounds' own ratios: what slows a whole round down cancels.
        figure(group, name, unit, own,
               statistics.median(a / b for a, b in zip(own, first, strict=True)))
        for name, own in samples.items()
    ]  # fmt: skip
