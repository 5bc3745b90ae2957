"""Where time goes: `python -m benchmarks` runs everything, one file a benchmark.

A benchmark is a module with `run(setup)`, which gives its figures, and a docstring whose first
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
    """A benchmark that cannot run, or whose outcome is wrong; one line says what to do."""


@dataclass(frozen=True)
class Setup:
    """What a run was asked for."""

    quick: bool = False
    """Tiny sizes and few rounds: whether everything runs, not what it costs."""
    photos: Path | None = None
    """A folder of sharp photos."""
    pairs: Path | None = None
    """A folder of real pairs, as `unblur evaluate` takes it."""
    model: str = "default"
    """The name of a bundled model, or an ONNX file."""
    side: int | None = None
    """Of `gigapixel`'s photo, in pixels."""


@dataclass(frozen=True)
class Figure:
    """One measured figure. A group's figures were measured side by side."""

    group: str
    name: str
    unit: str
    value: float
    """The median of the rounds."""
    low: float
    high: float
    ratio: float | None = None
    """To the first of the group: the median of the ratios round by round."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is called in every run."""
        return self.group, self.name, self.unit


def figure(
    group: str, name: str, unit: str, samples: float | Sequence[float], ratio: float | None = None
) -> Figure:
    """A figure of one sample or of several."""
    many = samples if isinstance(samples, Sequence) else [samples]
    return Figure(group, name, unit, statistics.median(many), min(many), max(many), ratio)


def side_by_side(group: str, unit: str, samples: Mapping[str, Sequence[float]]) -> list[Figure]:
    """Figures of versions that took turns, with their ratios to the first.

    Args:
        group: what they have in common.
        unit: of every sample.
        samples: by version, one for each round; all have as many.
    """
    first = next(iter(samples.values()))
    return [
        figure(
            group, name, unit, own,
            # Round by round, so that what slowed a whole round down cancels.
            statistics.median(a / b for a, b in zip(own, first, strict=True)),
        )
        for name, own in samples.items()
    ]  # fmt: skip
