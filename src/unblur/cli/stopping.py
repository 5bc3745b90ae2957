"""Signals that end the program: Ctrl-C while photos are worked on, and SIGTERM and SIGHUP."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from unblur.cli.errors import STOPPED


@contextmanager
def stoppable(terminate: bool = False) -> Iterator[threading.Event]:
    """An event that Ctrl-C sets; the second one ends the program at once.

    Args:
        terminate: whether SIGTERM does so too.
    """
    stop = threading.Event()

    def on_signal(*_: object) -> None:
        if stop.is_set():
            _drop_unfinished()
            os._exit(STOPPED)
        stop.set()
        # Not through Python's streams, which may be in the middle of a write.
        with suppress(OSError):  # it may be closed, or a broken pipe
            os.write(2, b"\nunblur: finishing the photos in progress; Ctrl-C again drops them\n")

    numbers = [signal.SIGINT, signal.SIGTERM] if terminate else [signal.SIGINT]
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def tidy_end() -> Iterator[None]:
    """SIGTERM and SIGHUP end the program as ever, but leave no unfinished files.

    Where they are ignored, as SIGHUP is under nohup, they stay so.
    """

    def on_signal(number: int, _: object) -> None:
        _drop_unfinished()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _drop_unfinished() -> None:
    # Not imported here: what is not loaded has no files, and this may be in the middle of loading.
    drop = getattr(sys.modules.get("unblur.photo.files"), "drop_unfinished", None)
    if drop is not None:
        drop()
