"""The queue of photos, and the threads that deblur them.

The API, its jobs and the page share one queue, so that together they stay within its limits.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from unblur import photo
from unblur.errors import BusyError, TaskCancelledError
from unblur.serve import malloc
from unblur.serve.models import LoadedModels
from unblur.serve.result import CachedResult

QUIET = 1.0
"""Seconds without work after which free memory is given back; the last answers are sent by then."""

T = TypeVar("T")


class Task(Generic[T]):
    """A photo in the queue or in the network. Any thread may read its state.

    Attributes:
        future: the result; TaskCancelledError if it was cancelled.
        begun, total: runs of the network; both are 0 until the photo is read.
        size: bytes of the photo that the task holds in memory.
        background: whether it is a job.
        cancelled: whether it is to end before its next run of the network.
    """

    def __init__(
        self, source: bytes | Path, run: Callable[[Task[T]], T], background: bool = False
    ) -> None:
        self.future: Future[T] = Future()
        # `Future.cancel` fails from here on; tasks are cancelled by the queue alone.
        self.future.set_running_or_notify_cancel()
        self.begun = self.total = 0
        self.size = len(source) if isinstance(source, bytes) else 0
        self.background = background
        self.state: Literal["waiting", "running", "done"] = "waiting"
        self.cancelled = False
        self._run = run

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
            end = partial(self.future.set_result, self._run(self))
        except BaseException as error:  # noqa: BLE001 - set on the future
            end = partial(self.future.set_exception, error)
        # The closure holds the photo, and the task may be referenced for longer.
        del self._run
        self.state = "done"
        end()
        # An exception's traceback refers to this frame: a cycle that would hold the photo.
        del end


class DeblurQueue:
    """A bounded queue and the threads that work on it.

    While one thread's photo is in the network, others' are read and written. The first thread
    prefers jobs and the other threads leave them alone, so that neither jobs nor requests are
    starved by the other.

    Args:
        models: the models that photos may ask for.
        threads: photos worked on at a time.
        capacity: photos that may wait, besides those being worked on.
        max_pixels: larger photos are refused before they are decoded.

    Attributes:
        max_bytes: total size of the photos waiting and being worked on.
        on_finished: called after each task, with the seconds that it took.
        draining: whether the server is about to stop, and starts no further job.
    """

    def __init__(
        self,
        models: LoadedModels,
        *,
        threads: int = 2,
        capacity: int = 16,
        max_pixels: int = photo.MAX_PIXELS,
    ) -> None:
        self.models, self.max_pixels = models, max_pixels
        self.capacity, self.max_bytes = capacity, 2**28
        self.on_finished: list[Callable[[Task[Any], float], None]] = []
        self._change = threading.Condition()
        self._waiting: deque[Task[Any]] = deque()
        self._jobs: deque[Task[Any]] = deque()
        self._running: set[Task[Any]] = set()
        self.draining = self._closed = self._holds_memory = False
        self._mean_seconds = 2.0
        self._threads = [
            threading.Thread(target=self._work, args=(n == 0,), name=f"deblur-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        source: bytes | Path,
        finish: Callable[[CachedResult], T],
        *,
        model: str | None = None,
        best: bool = False,
        kind: str | None = None,
        background: bool = False,
        started: Callable[[], None] = lambda: None,
    ) -> Task[T]:
        """Puts a photo into the queue.

        Args:
            source: a file's bytes, or its path; the file must stay until the task is done.
            finish: makes the task's value of the result, and closes or keeps it; called in
                the queue's thread.
            model: its name; by default the first.
            best: whether to take the mean over the eight turns and flips.
            kind: a format that must be able to hold the photo.
            background: whether it is a job. Jobs wait on the disk and do not count as waiting.
            started: called when the work on it begins.

        Raises:
            BusyError: if the queue is full or closed.
            ModelError: if there is no such model.
        """
        chosen = self.models.find(model)

        def run(task: Task[T]) -> T:
            started()
            deblurrer = chosen.deblurrer(best)
            result = CachedResult.compute(
                deblurrer, source, self.max_pixels, task.report, kind=kind
            )
            return finish(result)

        task = Task(source, run, background)
        with self._change:
            if self._closed:
                raise BusyError(5)
            size = sum(other.size for other in (*self._waiting, *self._running))
            # A photo of more than `max_bytes` is accepted when there is no other.
            too_long = size and size + task.size > self.max_bytes
            if not background and (self._is_full() or too_long):
                raise BusyError(self.retry_after)
            (self._jobs if background else self._waiting).append(task)
            self._change.notify_all()
        return task

    def has_room(self) -> bool:
        """Whether a photo would be accepted now; to be asked before it is uploaded."""
        with self._change:
            return not self._closed and not self._is_full()

    @property
    def retry_after(self) -> int:
        """Estimated seconds until half of the photos are done, from 1 to 120."""
        seconds = self._mean_seconds * max(1, self._taken()) / len(self._threads) / 2
        return min(120, max(1, math.ceil(seconds)))

    def count(self) -> dict[str, int]:
        """The number of tasks that wait, that run, and of jobs that wait."""
        with self._change:
            return {
                "waiting": len(self._waiting),
                "running": len(self._running),
                "jobs": len(self._jobs),
            }

    def position(self, task: Task[Any]) -> int:
        """Its place among those that wait, from 1; 0 if it is running or done."""
        with self._change:
            queue = self._jobs if task.background else self._waiting
            return queue.index(task) + 1 if task in queue else 0

    def cancel(self, task: Task[Any]) -> None:
        """Cancels a task, and removes it from the queue if it waits."""
        task.cancelled = True
        with self._change:
            queue = self._jobs if task.background else self._waiting
            if task not in queue:
                return
            queue.remove(task)
        task.run()  # sets TaskCancelledError

    def drain(self) -> None:
        """Starts no further job. Photos whose clients wait are still accepted and done."""
        with self._change:
            self.draining = True
            self._change.notify_all()

    def close(self, seconds: float | None = None) -> None:
        """Finishes all photos but the waiting jobs, and ends the threads.

        What still waits or runs after `seconds` is cancelled.
        """
        self.drain()
        with self._change:
            self._closed = True
            self._change.notify_all()
        end = math.inf if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if seconds is None else max(0.0, end - time.monotonic()))
        with self._change:
            left = [*self._waiting, *self._jobs, *self._running]
        for task in left:
            self.cancel(task)
        for thread in self._threads:
            thread.join(5)

    def _taken(self) -> int:
        return len(self._waiting) + sum(not task.background for task in self._running)

    def _is_full(self) -> bool:
        return self._taken() >= self.capacity + len(self._threads)

    def _work(self, takes_jobs: bool) -> None:
        while (task := self._next(takes_jobs)) is not None:
            began = time.monotonic()
            task.run()
            seconds = time.monotonic() - began
            with self._change:
                self._running.discard(task)
                self._holds_memory = True
                if not task.background and not task.cancelled:
                    self._mean_seconds += 0.2 * (seconds - self._mean_seconds)
            for tell in self.on_finished:
                tell(task, seconds)
            del task

    def _next(self, takes_jobs: bool) -> Task[Any] | None:
        """The next task for a thread, when there is one; None if the thread is to end."""
        with self._change:
            while True:
                prefers_jobs = takes_jobs and self._jobs and not self.draining
                if queue := self._jobs if prefers_jobs else self._waiting:
                    task = queue.popleft()
                    task.state = "running"
                    self._running.add(task)
                    return task
                if self._closed:
                    return None
                changed = self._change.wait(QUIET if self._holds_memory else None)
                if not changed and self._holds_memory and not self._running:
                    self._holds_memory = False
                    malloc.trim()
