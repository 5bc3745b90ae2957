"""Processes of their own, each with a peak of memory of its own."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.timing import interleave, timed

T = TypeVar("T")
GB = 1e9


class Worker(AbstractContextManager["Worker"]):
    """A fresh process that runs functions of modules, one at a time."""

    def __init__(self) -> None:
        # A forked child would begin with its parent's memory.
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """The function's result; its exceptions come back too."""
        return self._pool.submit(function, *arguments).result()

    def prepare(self, make: Callable[..., Callable[[], object]], *arguments: Any) -> None:
        """Makes and keeps the task that `repeat` runs."""
        self.call(_prepare, make, *arguments)

    def repeat(self) -> float:
        """Seconds of the task once more."""
        return self.call(_repeat)

    def peak(self) -> float:
        """Largest resident memory so far, in GB."""
        return self.call(peak_memory) / GB

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


def in_turn(
    versions: Mapping[str, tuple[Any, ...]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds of each round, and the peak in GB, of versions that take turns.

    Args:
        versions: what `Worker.prepare` takes; each has a worker of its own.
    """
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker()) for name in versions}
        for name, worker in workers.items():
            worker.prepare(*versions[name])
        seconds = interleave({name: worker.repeat for name, worker in workers.items()}, rounds)
        return seconds, {name: [worker.peak()] for name, worker in workers.items()}


def peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        # Bytes on macOS. Linux counts in KiB, and counts the parent's memory too.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


_task: Callable[[], float] | None = None


def _prepare(make: Callable[..., Callable[[], object]], *arguments: Any) -> None:
    global _task
    _task = timed(make(*arguments))


def _repeat() -> float:
    assert _task is not None, "prepare() comes first"
    return _task()
