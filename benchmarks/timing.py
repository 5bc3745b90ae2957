"""Timing of versions in turns, so that a machine's varying speed affects them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


def interleave(
    versions: Mapping[str, Callable[[], float]], rounds: int, warm: int = 1
) -> dict[str, list[float]]:
    """What each version returns in each round, without the first `warm` rounds.

    Every other round runs in reverse order, so that no version always follows the same one.
    """
    found: dict[str, list[float]] = {name: [] for name in versions}
    for index in range(warm + rounds):
        order = list(versions)[:: 1 if index % 2 == 0 else -1]
        for name in order:
            found[name].append(versions[name]())
    return {name: samples[warm:] for name, samples in found.items()}


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """A function that does the work and returns its wall-clock seconds."""

    def run() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return run
