"""Ctrl-C while photos are worked on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from unblur.cli.errors import STOPPED

if TYPE_CHECKING:
    from unblur.batch.plan import Job


@contextmanager
def stoppable(jobs: Iterable[Job] = ()) -> Iterator[threading.Event]:
    """An event that Ctrl-C sets; the second one ends the program at once.

    Args:
        jobs: whose unfinished results are then removed, if no other run uses their folders.
    """
    stop = threading.Event()

    def on_signal(*_: object) -> None:
        if stop.is_set():
            from unblur.batch.resume import sweep

            sweep(jobs)
            os._exit(STOPPED)
        stop.set()
        # Not through Python's streams, which may be in the middle of a write.
        with suppress(OSError):  # it may be closed, or a broken pipe
            os.write(2, b"\nunblur: finishing the photos in progress; Ctrl-C again drops them\n")

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
