"""One run at a time on a target, also where the store has no locks."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from unblur.bulk.store import Store
from unblur.errors import UnblurError

FILE = ".unblur/running.json"
OLD = 90.0
"""Seconds without a sign of life after which a run of another machine is taken for gone."""
_BEATS = 20.0
_LOOKS = 5.0
_CLOCK = 5.0


class Running:
    """A run that holds its target."""

    def __init__(self, target: Store, run: str) -> None:
        """Takes the target, whoever holds it."""
        self._target, self._began = target, time.time()
        self._mine = {"run": run, **_myself(), "started": self._began}
        self._lost = False
        self._lock = threading.Lock()
        self._write()

    def beat(self) -> None:
        """Shows that the run is alive; a thread calls it too, every 20 s."""
        with self._lock:
            found = read(self._target)
            if found is not None and found.get("run") != self._mine["run"]:
                self._lost = True
            if not self._lost:
                self._write()

    def check(self) -> None:
        """Raises UnblurError if another run has taken the target."""
        if self._lost:
            raise UnblurError(f"{self._target.url}: was taken by another run of unblur bulk")

    def end(self) -> None:
        """Lets the target go."""
        with self._lock, suppress(UnblurError):
            found = read(self._target)
            if found is not None and found.get("run") == self._mine["run"]:
                self._target.remove(FILE)

    def _write(self) -> None:
        text = json.dumps({**self._mine, "beat": time.time()}, indent=2)
        self._target.put_bytes(text.encode(), FILE)


@contextmanager
def running(
    target: Store,
    run: str,
    note: Callable[[str], None] = lambda line: None,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[Running]:
    """Holds a target while a run lasts.

    A run of this machine whose process is gone is followed at once. For one of another machine it
    waits until its last sign of life is 90 s old.

    Args:
        note: called with a line that says what is waited for.
        wait: sleeps some seconds; returns something true to give up, as `Event.wait` does.

    Raises:
        UnblurError: if another run is alive, or it was given up.
    """
    _wait_for_other(target, note, wait)
    held = Running(target, run)
    held.beat()  # Of two that came at once, the first finds the other's name.
    held.check()
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(_BEATS):
            # A store that is out of reach for a while is no reason to end; the next beat tells.
            with suppress(UnblurError):
                held.beat()

    thread = threading.Thread(target=beat, name="unblur-beat", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        ended.set()
        thread.join()
        held.end()


def read(target: Store) -> dict[str, Any] | None:
    """The run that holds a target, or held it when it was killed; None if none does.

    Raises:
        UnblurError: if that cannot be read.
    """
    if not target.exists(FILE):
        return None
    try:
        found = json.loads(target.read_bytes(FILE))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _wait_for_other(
    target: Store, note: Callable[[str], None], wait: Callable[[float], object]
) -> None:
    found = read(target)
    if found is None or _is_gone(found):
        return
    name = f"process {found.get('pid')} on {found.get('host')}"
    busy = f"{target.url}: is in use by another unblur bulk ({name}); wait for it"
    if _is_here(found):
        raise UnblurError(busy)
    left = OLD - _age(found)
    if left > 0:
        note(f"{target.url}: waits {left:.0f} s to see whether {name} still runs")
    while left > 0:
        if wait(min(left, _LOOKS)):
            raise UnblurError(f"{target.url}: may be in use by another unblur bulk ({name})")
        left -= _LOOKS
        now = read(target)
        if now is None:
            return
        if now != found:
            raise UnblurError(busy)


def _age(found: dict[str, Any]) -> float:
    """Seconds since the last sign of life; 0 by a clock that is ahead of this machine's."""
    beat = found.get("beat")
    return max(0.0, time.time() - beat) if isinstance(beat, int | float) else 0.0


def _is_here(found: dict[str, Any]) -> bool:
    mine = _myself()
    return all(found.get(name) == mine[name] for name in ("host", "space"))


def _is_gone(found: dict[str, Any]) -> bool:
    """Whether it is a run of this machine whose process has ended."""
    if not _is_here(found):
        return False
    try:
        process = psutil.Process(found["pid"])
        # The system derives the time from its clock, which may have been set since.
        another = abs(process.create_time() - found["born"]) > _CLOCK
        return another or process.status() == psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError, TypeError, KeyError):
        return True
    except psutil.AccessDenied:
        return False


def _myself() -> dict[str, Any]:
    """This process: its machine, there its own count of processes, and when it began."""
    try:
        # Containers may have one name, and one process 1 each.
        space = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        space = ""
    born = psutil.Process().create_time()
    return {"host": socket.gethostname(), "space": space, "pid": os.getpid(), "born": born}
