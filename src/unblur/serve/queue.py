"""The queue of photos, and the threads that deblur and inspect them.

The API, its jobs and the page share one queue, so that together they stay within its limits.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from unblur import photo
from unblur.errors import BusyError
from unblur.serve import malloc
from unblur.serve.models import LoadedModels
from unblur.serve.task import Lane, T, Task
from unblur.serve.work import Work

QUIET = 1.0
"""Seconds without work after which free memory is given back; the last answers are sent by then."""


class PhotoQueue:
    """A bounded queue and the threads that work on it.

    While one thread's photo is in the network, others' are read and written. The first thread
    prefers jobs, first those that somebody looks at. The other threads leave the rest of the jobs
    alone, and take those that somebody looks at when there is no request. So neither jobs nor
    requests are starved by the other. Spare tasks run one at a time, when a thread finds nothing
    else to do.

    Args:
        models: the models that photos may ask for.
        threads: photos worked on at a time.
        capacity: photos that may wait, besides those being worked on.
        max_pixels: larger photos are to be refused before they are decoded.

    Attributes:
        max_bytes: total size of the photos waiting and being worked on.
        on_finished: called after each task, with the seconds that it took.
        draining: whether the server is about to stop, and starts no further job or spare task.
    """

    def __init__(
        self,
        models: LoadedModels,
        *,
        threads: int = 2,
        capacity: int = 16,
        max_pixels: int = photo.MAX_PIXELS,
    ) -> None:
        self.models: LoadedModels = models
        self.max_pixels: int = max_pixels
        self.capacity: int = capacity
        self.max_bytes: int = 2**28
        self.on_finished: list[Callable[[Task[Any], float], None]] = []
        self._change = threading.Condition()
        self._lanes: dict[Lane, deque[Task[Any]]] = {
            "request": deque(),
            "viewed": deque(),
            "job": deque(),
            "spare": deque(),
        }
        self._running: set[Task[Any]] = set()
        self.draining: bool = False
        self._closed = self._holds_memory = False
        self._mean_seconds = 2.0
        self._threads = [
            threading.Thread(target=self._work, args=(n == 0,), name=f"deblur-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work[T], lane: Lane = "request") -> Task[T]:
        """Puts work into the queue.

        Args:
            lane: jobs and spare tasks keep their photos on the disk, and do not count as waiting.

        Raises:
            BusyError: if the queue is full or closed.
        """
        task = Task(work, lane)
        with self._change:
            if self._closed:
                raise BusyError(5)
            size = sum(other.size for other in (*self._lanes["request"], *self._running))
            # A photo of more than `max_bytes` is accepted when there is no other.
            too_long = size and size + task.size > self.max_bytes
            if lane == "request" and (self._is_full() or too_long):
                raise BusyError(self.retry_after)
            self._lanes[lane].append(task)
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
        """The number of tasks that wait, that run, and of those that wait in other lanes."""
        with self._change:
            return {
                "waiting": len(self._lanes["request"]),
                "running": len(self._running),
                "viewed": len(self._lanes["viewed"]),
                "jobs": len(self._lanes["job"]),
                "spare": len(self._lanes["spare"]),
            }

    def position(self, task: Task[Any]) -> int:
        """Its place among those that wait, from 1; 0 if it is running or done."""
        with self._change:
            queue = self._lanes[task.lane]
            return queue.index(task) + 1 if task in queue else 0

    def cancel(self, task: Task[Any]) -> None:
        """Cancels a task, and removes it from the queue if it waits."""
        task.cancelled = True
        with self._change:
            queue = self._lanes[task.lane]
            if task not in queue:
                return
            queue.remove(task)
        task.run()  # sets TaskCancelledError

    def drain(self) -> None:
        """Starts no further job or spare task. Photos of clients who wait are still accepted."""
        with self._change:
            self.draining = True
            self._change.notify_all()

    def close(self, seconds: float | None = None) -> None:
        """Finishes all photos but the waiting jobs and spare tasks, and ends the threads.

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
            left = [*(task for lane in self._lanes.values() for task in lane), *self._running]
        for task in left:
            self.cancel(task)
        for thread in self._threads:
            thread.join(5)

    def _taken(self) -> int:
        running = sum(task.lane == "request" for task in self._running)
        return len(self._lanes["request"]) + running

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
                if task.lane == "request" and not task.cancelled:
                    self._mean_seconds += 0.2 * (seconds - self._mean_seconds)
                # Another thread may take the next spare task.
                self._change.notify_all()
            for tell in self.on_finished:
                tell(task, seconds)
            del task

    def _next(self, takes_jobs: bool) -> Task[Any] | None:
        """The next task for a thread, when there is one; None if the thread is to end."""
        with self._change:
            while True:
                if lane := self._first_lane(takes_jobs):
                    task = lane.popleft()
                    task.state = "running"
                    self._running.add(task)
                    return task
                if self._closed:
                    return None
                changed = self._change.wait(QUIET if self._holds_memory else None)
                if not changed and self._holds_memory and not self._running:
                    self._holds_memory = False
                    malloc.trim()

    def _first_lane(self, takes_jobs: bool) -> deque[Task[Any]] | None:
        """Where a thread finds its next task; None if there is none for it."""
        names: list[Lane] = ["request"]
        if not self.draining:
            names = ["viewed", "job", "request"] if takes_jobs else ["request", "viewed"]
            if all(task.lane != "spare" for task in self._running):
                names.append("spare")
        return next((self._lanes[name] for name in names if self._lanes[name]), None)
