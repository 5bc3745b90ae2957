"""Jobs: photos that are worked on while nobody waits, kept on the disk until they are fetched."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

from unblur.errors import ModelError, PhotoError, UnblurError
from unblur.photo import locked
from unblur.serve.errors import plain
from unblur.serve.jobs.store import Record, Store, is_id, new_id
from unblur.serve.queue import BusyError, DroppedError, Task, Work
from unblur.serve.result import Restoration

log = logging.getLogger("unblur.serve")

TRIES = 10
"""A job that was at work at so many kills of the server is taken for their cause."""

State = Literal["waiting", "running", "done", "failed"]


class JobsError(UnblurError):
    """A folder that jobs cannot be kept in."""


@dataclass
class Job:
    """A job as it stands: what is on the disk, and its task while there is one."""

    record: Record
    task: Task[str] | None = None
    begun: bool = False
    removed: bool = False

    @property
    def state(self) -> State:
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
        folder: theirs alone; made if it is not there.
        most: jobs kept, finished ones too.
        keep_seconds: how long a finished one is kept.

    Raises:
        JobsError: if the folder cannot be used.
    """

    def __init__(self, work: Work, folder: Path, most: int, keep_seconds: float) -> None:
        self.most, self.keep_seconds = most, keep_seconds
        self._work = work
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
        # What may have been the cause of a kill comes last.
        for record in sorted(records, key=lambda r: (r.tries, r.created)):
            job = self._jobs[record.id] = Job(record)
            if record.state == "waiting":
                self._begin(job)

    def create(
        self,
        file: BinaryIO,
        strength: float,
        model: str | None,
        kind: str | None,
        best: bool = False,
    ) -> Job:
        """Takes a photo; when this returns, it is on the disk.

        Raises:
            BusyError: if there are too many jobs.
            ModelError: if there is no such model.
            OSError: if the disk refuses.
        """
        name = self._work.model(model).name
        record = Record(new_id(), time.time(), strength, name, kind, best=best)
        job = Job(record)
        with self._lock:
            if len(self._jobs) >= self.most:
                raise BusyError(self._work.retry_after)
            self._jobs[record.id] = job  # takes its place before it is written
        try:
            self._store.create(file, record)
        except BaseException:
            with self._lock:
                del self._jobs[record.id]
            raise
        self._begin(job)
        return job

    def __len__(self) -> int:
        return len(self._jobs)

    def get(self, identity: str) -> Job | None:
        """The job of this name; None if there is none."""
        job = self._jobs.get(identity) if is_id(identity) else None
        return None if job is None or self._is_over(job) else job

    def result(self, job: Job) -> Path:
        return self._store.result(job.record)

    def position(self, job: Job) -> int:
        """How many are before it."""
        return self._work.position(job.task) if job.task else 0

    def expires(self, job: Job) -> float | None:
        """When it goes; None while it is unfinished."""
        finished = job.record.finished
        return None if finished is None else finished + self.keep_seconds

    def delete(self, identity: str) -> bool:
        """Ends a job and removes what there is of it. Whether there was one."""
        with self._lock:
            job = self._jobs.pop(identity, None) if is_id(identity) else None
        if job is None:
            return False
        job.removed = True
        self._store.remove(identity)
        if job.task is not None:
            self._work.drop(job.task)
        return True

    def sweep(self) -> None:
        """Removes the jobs whose time is over."""
        with self._lock:
            over = [identity for identity, job in self._jobs.items() if self._is_over(job)]
        for identity in over:
            self.delete(identity)

    def count(self) -> Mapping[str, int]:
        """How many there are in each state."""
        with self._lock:
            found = Counter(job.state for job in self._jobs.values())
        return {state: found[state] for state in ("waiting", "running", "done", "failed")}

    def close(self) -> None:
        """Lets the folder go; to be called when the work is closed."""
        self._held.close()

    def _is_over(self, job: Job) -> bool:
        expires = self.expires(job)
        return expires is not None and time.time() > expires

    def _begin(self, job: Job) -> None:
        record = job.record
        if record.tries >= TRIES:
            self._end(job, "failed", error=f"the server was stopped {TRIES} times while at it")
            return

        def finish(restoration: Restoration) -> str:
            with restoration:
                kind = record.format or restoration.format
                restoration.save(self._store.result(record), record.strength, kind)
                return kind

        def started() -> None:
            job.begun = True
            self._update(job, tries=job.record.tries + 1)

        try:
            job.task = self._work.submit(
                self._store.photo(record),
                finish,
                model=record.model,
                best=record.best,
                kind=record.format,
                background=True,
                started=started,
            )
        except ModelError as error:
            self._end(job, "failed", error=str(error))
            return
        except BusyError:
            return  # the server stops; the job waits on the disk for its next start
        job.task.future.add_done_callback(lambda future: self._ended(job, future))

    def _ended(self, job: Job, future: Future[str]) -> None:
        """In a thread of the work, after a task."""
        if job.removed:
            # A result that came late has made the folder again.
            self._store.remove(job.record.id)
            return
        error = future.exception()
        if error is None:
            self._end(job, "done", kind=future.result())
        elif isinstance(error, DroppedError):
            # An orderly stop: the job waits on the disk, and is not to blame.
            if job.begun:
                self._update(job, tries=job.record.tries - 1)
        else:
            self._end(job, "failed", error=self._explained(job, error))

    def _explained(self, job: Job, error: BaseException) -> str:
        if isinstance(error, ModelError):
            return str(error)
        # Of its own file there may be bad news as well, which name it.
        if isinstance(error, PhotoError) and str(self._store.folder) not in str(error):
            return plain(error)
        log.error("job %s failed", job.record.id, exc_info=error)
        if isinstance(error, MemoryError):
            return "there was not enough memory for it"
        return "something went wrong here; it is in the server's log"

    def _end(
        self,
        job: Job,
        state: Literal["done", "failed"],
        kind: str | None = None,
        error: str | None = None,
    ) -> None:
        kind = kind or job.record.format
        self._update(job, state=state, finished=time.time(), format=kind, error=error)

    def _update(self, job: Job, **changes: object) -> None:
        record = replace(job.record, **changes)  # pyright: ignore[reportArgumentType]
        try:
            self._store.update(record)
        except OSError as error:
            if not job.removed:
                # It still counts while this process lives.
                log.error("job %s could not be written down: %s", record.id, error)
        job.record = record
