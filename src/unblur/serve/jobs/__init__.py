"""Jobs: photos that are deblurred while no client waits, and are kept until they are fetched."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

from unblur.errors import BusyError, JobsError, ModelError, PhotoError, TaskCancelledError
from unblur.photo import locked
from unblur.serve.errors import BUG, log, refusal
from unblur.serve.jobs.store import Record, Store, is_id, new_id
from unblur.serve.queue import PhotoQueue, Task
from unblur.serve.result import CachedResult
from unblur.serve.uploads import Choices
from unblur.serve.work import deblurring

TRIES = 10
"""A job that was running when the server was killed this often fails: it may be the cause."""


@dataclass
class Job:
    """A job: its record on the disk, and its task while there is one."""

    record: Record
    task: Task[tuple[str, tuple[str, ...]]] | None = None
    begun: bool = False
    removed: bool = False

    @property
    def state(self) -> Literal["waiting", "running", "done", "failed"]:
        running = self.record.state == "waiting" and self.task and self.task.state == "running"
        return "running" if running else self.record.state

    @property
    def progress(self) -> float:
        if self.record.state == "done":
            return 1.0
        return self.task.progress if self.task and self.record.state == "waiting" else 0.0


class Jobs:
    """All jobs of a server. Threads may share it.

    Args:
        folder: of no other server; made if it does not exist.
        capacity: number of jobs kept, finished ones too.
        keep: seconds that a finished job is kept.

    Raises:
        JobsError: if the folder cannot be used.
    """

    def __init__(self, queue: PhotoQueue, folder: Path, capacity: int, keep: float) -> None:
        self.capacity, self.keep = capacity, keep
        self._queue = queue
        self._store = Store(folder)
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()
        self._held = ExitStack()
        try:
            self._held.enter_context(locked(folder))
            folder.chmod(0o700)
            (folder / ".new-probe").mkdir()
            (folder / ".new-probe").rmdir()
            records = list(self._store.recover())
        except OSError as error:
            self._held.close()
            raise JobsError(f"{folder} cannot hold jobs ({error.strerror})") from None
        # Those that may have caused a kill come last.
        for record in sorted(records, key=lambda r: (r.tries, r.created)):
            job = self._jobs[record.id] = Job(record)
            if record.state == "waiting":
                self._begin(job)

    def create(self, file: BinaryIO, choices: Choices) -> Job:
        """Makes a job of a photo, which is on the disk when this returns.

        Raises:
            BusyError: if there are too many jobs.
            ModelError: if there is no such model.
            OSError: if the photo cannot be written.
        """
        model = self._queue.models.find(choices.model).name
        asked = (choices.strength, model, choices.format)
        how = {"best": choices.best, "scale": choices.scale}
        record = Record(new_id(), time.time(), *asked, **how)
        job = Job(record)
        with self._lock:
            if self.is_full():
                raise BusyError(self._queue.retry_after)
            self._jobs[record.id] = job  # counts before it is written
        try:
            self._store.create(file, record)
        except BaseException:
            with self._lock:
                del self._jobs[record.id]
            raise
        self._begin(job)
        return job

    def is_full(self) -> bool:
        """Whether there are as many jobs as are kept."""
        return len(self._jobs) >= self.capacity

    def get(self, identity: str) -> Job | None:
        """The job of this name; None if there is none, or it has expired."""
        job = self._jobs.get(identity) if is_id(identity) else None
        return None if job is None or self._is_expired(job) else job

    def result(self, job: Job) -> Path:
        """The result's file."""
        return self._store.result(job.record)

    def position(self, job: Job) -> int:
        """Its place among the jobs that wait, from 1; 0 if it does not."""
        return self._queue.position(job.task) if job.task else 0

    def expires(self, job: Job) -> float | None:
        """When it is removed, in seconds since 1970; None while it is unfinished."""
        finished = job.record.finished
        return None if finished is None else finished + self.keep

    def delete(self, identity: str) -> bool:
        """Cancels a job and removes its files; returns whether there was one."""
        with self._lock:
            job = self._jobs.pop(identity, None) if is_id(identity) else None
        if job is None:
            return False
        job.removed = True
        self._store.remove(identity)
        if job.task is not None:
            self._queue.cancel(job.task)
        return True

    def sweep(self) -> None:
        """Removes expired jobs."""
        with self._lock:
            expired = [identity for identity, job in self._jobs.items() if self._is_expired(job)]
        for identity in expired:
            self.delete(identity)

    def count(self) -> Mapping[str, int]:
        """The number of jobs in each state."""
        with self._lock:
            found = Counter(job.state for job in self._jobs.values())
        return {state: found[state] for state in ("waiting", "running", "done", "failed")}

    def close(self) -> None:
        """Releases the folder; to be called after the queue is closed."""
        self._held.close()

    def _is_expired(self, job: Job) -> bool:
        expires = self.expires(job)
        return expires is not None and time.time() > expires

    def _begin(self, job: Job) -> None:
        record = job.record
        if record.tries >= TRIES:
            self._fail(job, f"the server was killed {TRIES} times while it ran")
            return

        def finish(result: CachedResult) -> tuple[str, tuple[str, ...]]:
            with result:
                kind = record.format or result.format
                found = result.save(self._store.result(record), record.strength, kind)
                return kind, found.lost

        def started() -> None:
            job.begun = True
            self._update(job, tries=job.record.tries + 1)

        try:
            work = deblurring(
                self._queue.models.find(record.model),
                self._store.photo(record),
                finish,
                max_pixels=self._queue.max_pixels,
                best=record.best,
                scale=record.scale,
                kind=record.format,
                started=started,
            )
            job.task = self._queue.submit(work, "job")
        except ModelError as error:
            self._fail(job, str(error))
            return
        except BusyError:
            return  # the server is stopping; the next start queues it
        job.task.future.add_done_callback(lambda future: self._ended(job, future))

    def _ended(self, job: Job, future: Future[tuple[str, tuple[str, ...]]]) -> None:
        """Records how a task ended; called in the queue's thread."""
        if job.removed:
            # The result may have been written after the job was removed.
            self._store.remove(job.record.id)
            return
        error = future.exception()
        if error is None:
            kind, lost = future.result()
            done = {"state": "done", "finished": time.time()}
            self._update(job, **done, format=kind, lost=list(lost))
        elif isinstance(error, TaskCancelledError):
            # The server is stopping: the next start queues it, and this try does not count.
            if job.begun:
                self._update(job, tries=job.record.tries - 1)
        elif isinstance(error, PhotoError) and self._is_stored(error.file):
            # It is the server's fault, and its files are not to be shown.
            log.error("job %s failed", job.record.id, exc_info=error)
            self._fail(job, BUG)
        else:
            self._fail(job, refusal(error).detail)

    def _is_stored(self, file: Path | None) -> bool:
        return file is not None and file.is_relative_to(self._store.folder)

    def _fail(self, job: Job, error: str) -> None:
        self._update(job, state="failed", finished=time.time(), error=error)

    def _update(self, job: Job, **changes: object) -> None:
        record = replace(job.record, **changes)  # pyright: ignore[reportArgumentType]
        try:
            self._store.update(record)
        except OSError as error:
            if not job.removed:
                # The change still holds in memory.
                log.error("job %s could not be recorded: %s", record.id, error)
        job.record = record
