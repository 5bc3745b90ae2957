"""What is done with a job's photo in the queue, and how that ends."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from unblur.errors import BusyError, ModelError, PhotoError, TaskCancelledError, UnblurError
from unblur.serve.errors import BUG, log, refusal
from unblur.serve.jobs import measuring, viewing, words
from unblur.serve.jobs.job import Job
from unblur.serve.jobs.store import Blur, Record, Store
from unblur.serve.queue import PhotoQueue
from unblur.serve.result import CachedResult
from unblur.serve.work import deblurring

TRIES = 10
"""A job that was running when the server was killed this often fails: it may be the cause."""


class Runner:
    """Puts jobs into the queue, and records how they end."""

    def __init__(self, queue: PhotoQueue, store: Store) -> None:
        self._queue, self._store = queue, store

    def begin(self, job: Job) -> None:
        """Queues what is still to be done with a job."""
        if job.record.state == "waiting":
            self._deblur(job)
        home = self._store.home(job.record)
        viewed = job.record.view and job.record.state != "failed"
        if viewed and job.record.blur is None and not measuring.was_begun(home):
            self._measure(job)

    def cancel(self, job: Job) -> None:
        """Ends what is queued or at work."""
        for task in (job.task, job.measuring):
            if task is not None:
                self._queue.cancel(task)

    def _deblur(self, job: Job) -> None:
        record, home = job.record, self._store.home(job.record)
        if record.tries >= TRIES:
            self._fail(job, f"the server was killed {TRIES} times while it ran")
            return

        def started() -> None:
            job.begun = True
            self._update(job, tries=job.record.tries + 1)
            viewing.clear(home)

        try:
            work = deblurring(
                self._queue.models.find(record.model),
                self._store.photo(record),
                partial(self._finish, record),
                max_pixels=self._queue.max_pixels,
                best=record.best,
                scale=record.scale,
                kind=record.format,
                started=started,
            )
            job.task = self._queue.submit(work, "viewed" if record.view else "job")
        except ModelError as error:
            self._fail(job, str(error))
            return
        except BusyError:
            return  # the server is stopping; the next start queues it
        job.task.future.add_done_callback(partial(self._ended, job))

    def _finish(self, record: Record, result: CachedResult) -> dict[str, Any]:
        """Writes the result, and returns the fields of the record that are known by it."""
        path, kind = self._store.photo(record), record.format or result.format
        known = {
            **viewing.facts(result.photo, path),
            "format": kind,
            "scales": words.scales(result.scales, record.scale != "auto"),
        }
        if record.view:
            changed, lost = viewing.finish(result, self._store.home(record), kind)
        else:
            with result:
                found = result.save(self._store.result(record), record.strength, kind)
            changed, lost = found.changed, found.lost
        return {**known, "unchanged": not changed, "lost": list(lost)}

    def _ended(self, job: Job, future: Future[dict[str, Any]]) -> None:
        """Records how a task ended; called in the queue's thread."""
        if job.removed:
            # The result may have been written after the job was removed.
            self._store.remove(job.record.id)
            return
        error = future.exception()
        if error is None:
            self._update(job, state="done", finished=time.time(), **future.result())
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

    def _measure(self, job: Job) -> None:
        """Measures the blur by the default model, when the queue has nothing else to do.

        Without a measure, a photo is shown all the same, so a failure is no error of the job.
        """
        model, path = self._queue.models.find(None), self._store.photo(job.record)
        work = measuring.measuring(model, path, self._queue.max_pixels)
        try:
            job.measuring = self._queue.submit(work, "spare")
        except BusyError:
            return  # the server is stopping
        job.measuring.future.add_done_callback(partial(self._measured, job))

    def _measured(self, job: Job, future: Future[Blur]) -> None:
        error = future.exception()
        if job.removed:
            self._store.remove(job.record.id)
        elif error is None:
            self._update(job, blur=future.result())
        else:
            measuring.forget(self._store.home(job.record))
            if not isinstance(error, (TaskCancelledError, UnblurError)):
                log.error("the blur of a job's photo could not be measured", exc_info=error)
        job.measuring = None

    def _is_stored(self, file: Path | None) -> bool:
        return file is not None and file.is_relative_to(self._store.folder)

    def _fail(self, job: Job, error: str) -> None:
        self._update(job, state="failed", finished=time.time(), error=error)
        viewing.clear(self._store.home(job.record))

    def _update(self, job: Job, **changes: object) -> None:
        # The photo may be deblurred and measured at the same time.
        with job.lock:
            record = replace(job.record, **changes)  # pyright: ignore[reportArgumentType]
            try:
                self._store.update(record)
            except OSError as error:
                if not job.removed:
                    # The change still holds in memory.
                    log.error("job %s could not be recorded: %s", record.id, error)
            job.record = record
