"""When a run ends before its last step, by time or by a signal, and when it is saved."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from unblur.training.state import State


class Limits:
    """When a call of `train` ends, and when it writes a checkpoint.

    Attributes:
        end: the step to end at.
        deadline: the training time to end at, in seconds.
        stop: set to end after the current step.
        saved: training time of the latest checkpoint, in seconds.
    """

    def __init__(
        self, state: State, began: float, max_seconds: float, max_steps: int | None, every: float
    ) -> None:
        config, at = state.config, state.at
        self.end = min(config.steps, config.steps if max_steps is None else max_steps)
        self.deadline = at.seconds + max_seconds
        if config.schedule == "time":
            at.deadline = self.deadline = self.deadline if max_seconds < math.inf else at.deadline
        self.stop = threading.Event()
        self._before, self._every = at.seconds - began, every
        self.saved = self.now()

    def now(self) -> float:
        """Training time, in seconds."""
        return self._before + time.monotonic()

    def read(self) -> tuple[str | None, bool, float]:
        """Why to end now, if so; whether to write a checkpoint; the training time in seconds."""
        now = self.now()
        ended = "the time limit" if now >= self.deadline else None
        if self.stop.is_set():
            ended = "stopped by a signal"
        return ended, now - self.saved >= self._every, now


@contextmanager
def stop_signals(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set `stop`; a second SIGINT interrupts at once."""

    def handle(number: int, frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
