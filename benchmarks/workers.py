"""Worker processes, each with its own peak of memory."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import Figure, side_by_side
from benchmarks.timing import interleave, timed

T = TypeVar("T")
GB = 1e9


class Worker(AbstractContextManager["Worker"]):
    """A fresh process that runs functions, one at a time."""

    def __init__(self) -> None:
        # A forked process would begin with its parent's memory.
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """The function's result; its exceptions are raised here."""
        return self._pool.submit(function, *arguments).result()

    def prepare(self, make: Callable[..., Callable[[], object]], *arguments: Any) -> None:
        """Make the task that `repeat` runs."""
        self.call(_prepare, make, *arguments)

    def repeat(self) -> float:
        """Run the task and return its seconds."""
        return self.call(_repeat)

    def peak(self) -> float:
        """Largest resident memory so far, in GB."""
        return self.call(peak_memory) / GB

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


def compare(group: str, versions: Mapping[str, tuple[Any, ...]], rounds: int) -> Iterator[Figure]:
    """Figures of the seconds and the peaks that `in_turn` measures."""
    seconds, peaks = in_turn(versions, rounds)
    yield from side_by_side(f"{group}, seconds", "s", seconds)
    yield from side_by_side(f"{group}, peak memory", "GB", peaks)


def in_turn(
    versions: Mapping[str, tuple[Any, ...]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds of each round, and the peak in GB, of versions that run in turns.

    Args:
        versions: arguments of `Worker.prepare`; each has its own worker.
    """
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker()) for name in versions}
        for name, worker in workers.items():
            worker.prepare(*versions[name])
        seconds = interleave({name: worker.repeat for name, worker in workers.items()}, rounds)
        return seconds, {name: [worker.peak()] for name, worker in workers.items()}


def peak_memory(process: int | str = "self") -> int:
    """Largest resident memory of a process so far, in bytes; outside Linux of this process only."""
    try:
        text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        # Bytes on macOS. Linux counts in KiB, and counts the parent's memory too.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return int(text.split("VmHWM:")[1].split()[0]) * 1024


_task: Callable[[], float] | None = None


def _prepare(make: Callable[..., Callable[[], object]], *arguments: Any) -> None:
    global _task
    _task = timed(make(*arguments))


def _repeat() -> float:
    assert _task is not None, "prepare() comes first"
    return _task()
