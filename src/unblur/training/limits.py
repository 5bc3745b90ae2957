"""When a run ends before its last step, by time or by a signal, and when it is saved."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from unblur.training import distributed
from unblur.training.state import State


class Limits:
    """When a call of `train` ends, and when it writes a checkpoint.

    Attributes:
        end: the step to end at.
        deadline: the training time to end at, in seconds.
        signal: the latest of this rank's that `stop_signals` takes.
        stopped_by: of all ranks' signals the one that has ended the run.
        saved: training time of the latest checkpoint, in seconds.
    """

    def __init__(
        self,
        state: State,
        began: float,
        max_seconds: float,
        max_steps: int | None,
        every: float,
        restarts: bool,
    ) -> None:
        config, at = state.config, state.at
        self.end: int = min(config.steps, config.steps if max_steps is None else max_steps)
        self.deadline: float = max_seconds + (0.0 if restarts else at.seconds)
        if config.schedule == "time":
            at.deadline = self.deadline = self.deadline if max_seconds < math.inf else at.deadline
        self.signal: signal.Signals | None = None
        self.stopped_by: signal.Signals | None = None
        self._before, self._every = at.seconds - began, every
        self.saved: float = self.now()

    def now(self) -> float:
        """Training time, in seconds."""
        return self._before + time.monotonic()

    def read(self) -> tuple[str | None, bool, float]:
        """Why to end now, if so; whether to write a checkpoint; the training time in seconds.

        Rank zero's clock decides, and every rank's signals.
        """
        now = self.now()
        ended = "the time limit" if now >= self.deadline else None
        found = distributed.gather((self.signal, ended, now - self.saved >= self._every, now))
        signals = [number for number, *_ in found if number is not None]
        _, ended, save, now = found[0]
        if signals:
            # Of both SIGINT, by which somebody asks for the end.
            self.stopped_by, ended = min(signals), "stopped by a signal"
        return ended, save, now


@contextmanager
def stop_signals(limits: Limits) -> Iterator[None]:
    """SIGINT and SIGTERM end the run after the current step; a second SIGINT at once."""

    def handle(number: int, frame: object) -> None:
        limits.signal = signal.Signals(number)
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
