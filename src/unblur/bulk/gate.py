"""How much of something is in use at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets threads hold up to `most` of something in all, in the order in which they came.

    One that asks for more than there is waits until nothing else is held, and then goes alone.
    """

    def __init__(self, most: int) -> None:
        self._most = self._free = most
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    @contextmanager
    def holding(self, amount: int) -> Iterator[None]:
        """Waits for so much, and holds it for the time of the block."""
        amount, me = min(amount, self._most), object()
        with self._changed:
            self._waiting.append(me)
            # In order, so that a large one is not passed by small ones for ever.
            self._changed.wait_for(lambda: self._waiting[0] is me and amount <= self._free)
            self._waiting.popleft()
            self._free -= amount
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()
