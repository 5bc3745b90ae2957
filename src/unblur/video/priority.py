"""Keeps an encoder from making the threads of this process real-time ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def kept_priority() -> Iterator[None]:
    """Keeps the scheduling policy of all threads, whatever an encoder that is opened here does.

    Where it may, as root, SVT-AV1 gives the thread that opens it and those that it starts the
    policy SCHED_FIFO with the highest priority (`svt_set_thread_management`): the network on such
    a thread, and every process that it starts, would leave no processor to other programs.
    """
    tasks = Path("/proc/self/task")
    if not hasattr(os, "sched_setscheduler") or not tasks.exists():
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for thread in [int(task.name) for task in tasks.iterdir()]:
            with suppress(OSError):  # it has ended
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, parameters)
