"""One run at a time on a target, also where the store has no locks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from unblur.bulk.store import Store

FILE = ".unblur/running.json"


class Running:
    """A run that holds its target."""

    def beat(self) -> None:
        """Shows that the run is alive; a thread calls it too, every 20 s."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises UnblurError if another run has taken the target."""
        raise NotImplementedError


@contextmanager
def running(
    target: Store,
    run: str,
    note: Callable[[str], None] = lambda line: None,
    wait: Callable[[float], object] | None = None,
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
    raise NotImplementedError
    yield
