"""What computes: the networks, in memory once, and the one queue of photos that wait for them.

The API, its jobs and the page all go through it, so that together they never ask more of the
machine than it has.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from unblur import photo
from unblur.errors import ModelError, UnblurError
from unblur.inference.contract import FLOATS, Network
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.memory import tile_for_memory
from unblur.inference.models import CHECKPOINT
from unblur.serve.malloc import give_back
from unblur.serve.result import CachedResult

QUIET = 1.0
"""Seconds without work after which memory is given back; the last answers have left by then."""

T = TypeVar("T")
State = Literal["waiting", "running", "done"]


class BusyError(UnblurError):
    """No place in the queue; `retry_after` is a guess, in seconds, of when there will be one."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too much to do at the moment; try again in {retry_after} s")
        self.retry_after = retry_after


class DroppedError(UnblurError):
    """The work was given up: nobody waits for it any more, or the server stops."""


@dataclass(frozen=True)
class Model:
    """A network that is served."""

    name: str
    digest: str
    """SHA-256 of its file."""
    deblurrer: Deblurrer = field(repr=False)
    for_best: str | Path | Network = field(repr=False)
    """What the deblurrer for `best` is made of: the same network, if that is in floats."""


class Task(Generic[T]):
    """A photo on its way through the queue and the network. Any thread may ask and cancel.

    Attributes:
        future: what it will give; DroppedError if it was cancelled.
        begun, total: runs of the network; 0 of 0 until the photo is read.
    """

    def __init__(
        self, source: bytes | Path, run: Callable[[Task[T]], T], background: bool = False
    ) -> None:
        self.future: Future[T] = Future()
        # Nobody but the work itself ends it: `cancel` of a future is not asked of it.
        self.future.set_running_or_notify_cancel()
        self.begun = self.total = 0
        self.size = len(source) if isinstance(source, bytes) else 0
        self.background = background
        self.state: State = "waiting"
        self._run = run
        self._cancelled = threading.Event()

    @property
    def progress(self) -> float:
        """From 0 to 1; 1 not before the end."""
        if self.state == "done":
            return 1.0
        return 0.0 if not self.total else min(0.99, self.begun / self.total)

    def cancel(self) -> None:
        """Gives the work up: at once if it waits, before its next run of the network else."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def report(self, begun: int, total: int) -> None:
        """Notes the progress; raises DroppedError if nobody waits any more."""
        if self.cancelled:
            raise DroppedError("was cancelled")
        self.begun, self.total = max(begun, self.begun), total

    def run(self) -> None:
        """Does the work; called once, by `Work`."""
        given = failure = None
        try:
            self.report(0, 0)
            given = self._run(self)
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            failure = error
        # Or what it holds, the photo, would live as long as whoever asks for its progress.
        del self._run
        self.state = "done"
        if failure is None:
            self.future.set_result(given)  # pyright: ignore[reportArgumentType]
        else:
            self.future.set_exception(failure)
            # Its traceback holds this frame, and this frame it: a circle around the photo.
            del failure


class Work:
    """The networks, the queue and the threads that do what is in it.

    Some threads, not one, so that one photo is read or written while another is in the network.
    One of them does jobs first, the others none: many jobs do not keep a person waiting, and many
    people do not keep the jobs waiting.
    """

    def __init__(
        self,
        models: Iterable[str | Path] = ("default",),
        *,
        tile: int | None = None,
        threads: int = 2,
        places: int = 16,
        most_bytes: int = 2**28,
        max_pixels: int = photo.MAX_PIXELS,
        folder: Path | None = None,
    ) -> None:
        """Loads the networks.

        Args:
            models: as `Deblurrer` takes them; the first is the default.
            tile: largest side worked on at once; by default what the memory at hand allows now.
            threads: photos at a time.
            places: of the queue, besides the photos being worked on.
            most_bytes: of the photos in the queue and at work, together.
            max_pixels: larger photos are refused before they are decoded.
            folder: for scratch files, by default the system's.

        Raises:
            ModelError: if one is not to be had, or two have one name.
        """
        self.models: dict[str, Model] = {}
        for given in models:
            network = Deblurrer(given).engine
            # One tile for all photos, so that the same photo gives the same result at any load.
            deblurrer = Deblurrer(network, tile=tile or tile_for_memory(network.contract.tile))
            name = Path(given).stem if Path(given).suffix in (".onnx", CHECKPOINT) else str(given)
            if name in self.models:
                raise ModelError(f"two models are called {name}; rename one")
            for_best = network if network.precision in FLOATS else given
            self.models[name] = Model(name, network.digest, deblurrer, for_best)
        self._at_best: dict[str, Deblurrer] = {}
        self._loading = threading.Lock()
        self.max_pixels = max_pixels
        self.places = places
        self.most_bytes = most_bytes
        self._folder = folder
        self._change = threading.Condition()
        self._waiting: deque[Task[Any]] = deque()
        self._jobs: deque[Task[Any]] = deque()
        self._running: set[Task[Any]] = set()
        self._stopping = False
        self._drained = False
        self._untidy = False
        self._mean = 2.0
        self.finished: list[Callable[[Task[Any], float], None]] = []
        """Called after each task, with the seconds that it took."""
        self._threads = [
            threading.Thread(target=self._loop, args=(n,), name=f"work-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def default(self) -> str:
        """The name of the model that is taken when none is named."""
        return next(iter(self.models))

    def model(self, name: str | None) -> Model:
        """A model by its name.

        Raises:
            ModelError: if none is called so.
        """
        try:
            return self.models[self.default if name is None else name]
        except KeyError:
            raise ModelError(f"no model of this name; there is {', '.join(self.models)}") from None

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
            source: the bytes of its file, or the file, which is then held by whoever submits it.
            finish: makes of the result what the task gives, in the same thread: it encodes
                it, say, and closes it.
            model: a name out of `models`.
            best: whether the mean over the eight turns and flips is taken.
            kind: a format that must be able to hold the photo.
            background: a job: it takes no place (jobs wait on the disk, and are counted there).
            started: called when the work begins.

        Raises:
            BusyError: if there is no place; nothing is queued.
            ModelError: if there is no such model.
        """
        chosen = self.model(model)

        def run(task: Task[T]) -> T:
            started()
            deblurrer = self._deblurrer(chosen, best)
            result = CachedResult.compute(
                deblurrer, source, self.max_pixels, task.report, self._folder, kind
            )
            return finish(result)

        task = Task(source, run, background)
        with self._change:
            if self._stopping:
                raise BusyError(5)
            if not background:
                self._check_room(task)
            (self._jobs if background else self._waiting).append(task)
            self._change.notify_all()
        return task

    @property
    def stopping(self) -> bool:
        """Whether the end has begun: no further job is."""
        return self._drained

    def has_room(self) -> bool:
        """Whether a photo would be taken now; before it is uploaded, this saves its way."""
        with self._change:
            return not self._stopping and self._taken() < self.places + len(self._threads)

    @property
    def retry_after(self) -> int:
        """Seconds until there may be room, as far as one can tell."""
        seconds = self._mean * max(1, self._taken()) / len(self._threads) / 2
        return min(120, max(1, math.ceil(seconds)))

    def count(self) -> dict[str, int]:
        """How many tasks wait, run, and wait as jobs."""
        with self._change:
            return {
                "waiting": len(self._waiting),
                "running": len(self._running),
                "jobs": len(self._jobs),
            }

    def position(self, task: Task[Any]) -> int:
        """How many are before it; 0 if it is at work, or done."""
        with self._change:
            queue = self._jobs if task.background else self._waiting
            return queue.index(task) + 1 if task in queue else 0

    def drop(self, task: Task[Any]) -> None:
        """Cancels a task and frees its place."""
        task.cancel()
        with self._change:
            for queue in (self._waiting, self._jobs):
                if task in queue:
                    queue.remove(task)
                    break
            else:
                return
        task.run()  # which ends at once

    def drain(self) -> None:
        """Begins no further job. Photos that somebody waits for are still taken and done."""
        with self._change:
            self._drained = True
            self._change.notify_all()

    def close(self, seconds: float | None = None) -> None:
        """Takes nothing more, ends what is at work, and leaves waiting jobs undone.

        Args:
            seconds: after so long what still runs is cancelled, and given up.
        """
        self.drain()
        with self._change:
            self._stopping = True
            self._change.notify_all()
        end = math.inf if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if seconds is None else max(0.0, end - time.monotonic()))
        with self._change:
            left = [*self._waiting, *self._jobs]
            self._waiting.clear()
            self._jobs.clear()
            running = list(self._running)
        for task in running:
            task.cancel()
        for task in left:
            task.cancel()
            task.run()
        if running:
            for thread in self._threads:
                thread.join(5)

    def _deblurrer(self, model: Model, best: bool) -> Deblurrer:
        """A model's; the one for `best` is made when it is first asked for, and kept."""
        if not best:
            return model.deblurrer
        with self._loading:
            if model.name not in self._at_best:
                self._at_best[model.name] = Deblurrer(
                    model.for_best, tile=model.deblurrer.tile, best=True
                )
            return self._at_best[model.name]

    def _taken(self) -> int:
        return len(self._waiting) + sum(not task.background for task in self._running)

    def _check_room(self, task: Task[Any]) -> None:
        size = sum(other.size for other in (*self._waiting, *self._running))
        full = self._taken() >= self.places + len(self._threads)
        # A photo that is too large for the queue can still have it alone.
        if full or (size and size + task.size > self.most_bytes):
            raise BusyError(self.retry_after)

    def _loop(self, number: int) -> None:
        while (task := self._next(number)) is not None:
            began = time.monotonic()
            task.run()
            seconds = time.monotonic() - began
            with self._change:
                self._running.discard(task)
                self._untidy = True
                if not task.background and not task.cancelled:
                    self._mean += 0.2 * (seconds - self._mean)
            for tell in self.finished:
                tell(task, seconds)
            del task

    def _next(self, number: int) -> Task[Any] | None:
        """The task for this thread; None if it is to end."""
        with self._change:
            while True:
                queues = [] if self._drained or number > 0 else [self._jobs]
                queues.append(self._waiting)
                for queue in queues:
                    if queue:
                        task = queue.popleft()
                        task.state = "running"
                        self._running.add(task)
                        return task
                if self._stopping:
                    return None
                quiet = not self._change.wait(QUIET if self._untidy else None)
                if quiet and self._untidy and not self._running:
                    self._untidy = False
                    give_back()
