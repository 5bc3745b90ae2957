"""Jobs: photos that are deblurred while no client waits, and are kept until they are fetched."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from anyio import CapacityLimiter

from unblur.errors import BusyError, JobsError
from unblur.photo import locked
from unblur.serve.jobs import viewing
from unblur.serve.jobs.choices import AgainChoices, JobChoices
from unblur.serve.jobs.job import Job
from unblur.serve.jobs.runner import Runner
from unblur.serve.jobs.store import Record, Store, copied, is_id, new_id
from unblur.serve.names import clean_name, stored_name
from unblur.serve.queue import PhotoQueue

_AGAIN = (
    *("strength", "model", "format", "best", "scale", "name", "view", "keep"),
    *("width", "height", "details", "blur"),
)
"""Fields of a record that another job of the photo has too."""


FULL = 10
"""Seconds after which to ask again where there are too many jobs: nobody knows when one goes."""


class Blended(NamedTuple):
    """A result that was blended, and what of the photo's file it does not have."""

    path: Path
    lost: tuple[str, ...]


class Jobs:
    """All jobs of a server. Threads may share it.

    Args:
        folder: of no other server; made if it does not exist.
        capacity: number of jobs kept, finished ones too.
        keep: seconds that a finished job is kept, and the most that a job may ask for.
        clock: tells the time in seconds; when a job was last asked for is measured by it.

    Attributes:
        decoders: limits the threads that read or write photos for requests.

    Raises:
        JobsError: if the folder cannot be used.
    """

    def __init__(
        self,
        queue: PhotoQueue,
        folder: Path,
        capacity: int,
        keep: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.capacity: int = capacity
        self.keep: float = keep
        # Decoding takes memory and CPU time.
        self.decoders: CapacityLimiter = CapacityLimiter(2)
        self._queue, self._clock = queue, clock
        self._store = Store(folder)
        self._runner = Runner(queue, self._store)
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
            job = self._jobs[record.id] = Job(record, clock())
            self._runner.begin(job)

    def create(self, file: BinaryIO, choices: JobChoices) -> Job:
        """Makes a job of a photo, which is on the disk when this returns.

        Raises:
            BusyError: if there are too many jobs.
            ModelError: if there is no such model.
            PhotoError: if it is to be viewed, and cannot be read.
            OSError: if the photo cannot be written.
        """
        record = Record(
            new_id(),
            time.time(),
            choices.strength,
            self._queue.models.find(choices.model).name,
            choices.format,
            best=choices.best,
            scale=choices.scale,
            name=None if choices.name is None else clean_name(choices.name),
            view=choices.view,
            keep=None if choices.keep is None else min(choices.keep, self.keep),
        )

        def fill(home: Path) -> dict[str, Any]:
            path = home / stored_name(record.name)
            copied(file, path)
            return viewing.bring(home, path, self._queue.max_pixels) if record.view else {}

        return self._add(record, fill)

    def again(self, job: Job, choices: AgainChoices) -> Job:
        """Makes another job of a job's photo; what is not chosen is as it was.

        Raises:
            BusyError, ModelError: as `create`.
            FileNotFoundError: if the photo is not there any more.
            OSError: if a file cannot be written.
        """
        old = job.record
        chosen = choices.model_dump(exclude_none=True)
        if "model" in chosen:
            chosen["model"] = self._queue.models.find(choices.model).name
        as_it_was = {name: getattr(old, name) for name in _AGAIN}
        record = Record(new_id(), time.time(), **{**as_it_was, **chosen})

        def fill(home: Path) -> dict[str, Any]:
            viewing.share(self._store.home(old), home, stored_name(old.name), bool(old.blur))
            return {}

        return self._add(record, fill)

    def _add(self, record: Record, fill: Callable[[Path], dict[str, Any]]) -> Job:
        job = Job(record, self._clock())
        with self._lock:
            if self.is_full():
                raise BusyError(FULL)
            self._jobs[record.id] = job  # counts before it is written
        try:
            job.record = self._store.create(record, fill, viewing.ROOM if record.view else 0)
        except BaseException:
            with self._lock:
                self._jobs.pop(record.id, None)
            raise
        job.asked = self._clock()
        self._runner.begin(job)
        return job

    def is_full(self) -> bool:
        """Whether there are as many jobs as are kept."""
        return len(self._jobs) >= self.capacity

    def get(self, identity: str) -> Job | None:
        """The job of this name, which counts as asking for it; None if there is none any more."""
        job = self._jobs.get(identity) if is_id(identity) else None
        if job is None or self._is_expired(job):
            return None
        job.asked = self._clock()
        return job

    def home(self, job: Job) -> Path:
        """The folder of its files."""
        return self._store.home(job.record)

    def result(self, job: Job) -> Path:
        """The result's file, of a job that is not viewed."""
        return self._store.result(job.record)

    def blend(self, job: Job, strength: float, kind: str) -> Blended:
        """Writes the result of a job that is viewed at a strength, without the network.

        Returns:
            A new file, which the caller deletes, and what of the photo's file it does not have.

        Raises:
            PhotoError: if the format cannot hold the photo.
            FileNotFoundError: if the job was removed meanwhile.
            OSError: if it cannot be written.
        """
        home, path = self.home(job), self._store.photo(job.record)
        out = home / f".result-{uuid.uuid4().hex}"
        try:
            most = self._queue.max_pixels
            return Blended(out, viewing.blend(home, path, out, strength, kind, most))
        except BaseException:
            out.unlink(missing_ok=True)
            raise
        finally:
            if job.removed:  # writing makes the folder anew
                self._store.remove(job.record.id)

    def position(self, job: Job) -> int:
        """Its place among the jobs that wait, from 1; 0 if it does not."""
        return self._queue.position(job.task) if job.task else 0

    def expires(self, job: Job) -> float | None:
        """When it is removed, in seconds since 1970; None while that is not certain."""
        finished = job.record.finished
        return None if finished is None or job.record.keep is not None else finished + self.keep

    def delete(self, identity: str) -> bool:
        """Cancels a job and removes its files; returns whether there was one."""
        with self._lock:
            job = self._jobs.pop(identity, None) if is_id(identity) else None
        if job is None:
            return False
        job.removed = True
        self._store.remove(identity)
        self._runner.cancel(job)
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
        if job.record.keep is not None:
            return self._clock() - job.asked > job.record.keep
        expires = self.expires(job)
        return expires is not None and time.time() > expires
