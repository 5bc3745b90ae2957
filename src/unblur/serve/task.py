"""A photo in the queue, and what becomes of it."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from typing import Generic, Literal, TypeVar

from unblur.errors import TaskCancelledError
from unblur.serve.work import Work

Lane = Literal["request", "viewed", "job", "spare"]
"""Who waits: a client; somebody who looks at the photo; nobody, the result is kept; or nobody, and
all others come first."""

T = TypeVar("T")


class Task(Generic[T]):
    """A photo in the queue or in the network. Any thread may read its state.

    Attributes:
        future: the result; TaskCancelledError if it was cancelled.
        begun, total: runs of the network; both are 0 until the photo is read.
        name, size: as in `Work`.
        cancelled: whether it is to end before its next run of the network.
    """

    def __init__(self, work: Work[T], lane: Lane) -> None:
        self.future: Future[T] = Future()
        # `Future.cancel` fails from here on; tasks are cancelled by the queue alone.
        self.future.set_running_or_notify_cancel()
        self.begun: int = 0
        self.total: int = 0
        self.name = work.name
        self.size: int = work.size
        self.lane: Lane = lane
        self.state: Literal["waiting", "running", "done"] = "waiting"
        self.cancelled = False
        self._run = work.run

    @property
    def progress(self) -> float:
        """From 0 to 1; 1 only when the task is done."""
        if self.state == "done":
            return 1.0
        return 0.0 if not self.total else min(0.99, self.begun / self.total)

    def report(self, begun: int, total: int) -> None:
        """Records the progress; raises TaskCancelledError if the task was cancelled."""
        if self.cancelled:
            raise TaskCancelledError("was cancelled")
        self.begun, self.total = max(begun, self.begun), total

    def run(self) -> None:
        """Runs it; called once, by the queue."""
        try:
            self.report(0, 0)
            end = partial(self.future.set_result, self._run(self.report))
        except BaseException as error:  # noqa: BLE001 - set on the future
            end = partial(self.future.set_exception, error)
        # The closure holds the photo, and the task may be referenced for longer.
        del self._run
        self.state = "done"
        end()
        # An exception's traceback refers to this frame: a cycle that would hold the photo.
        del end
