"""A job: its record on the disk, and its tasks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Literal

from unblur.serve.jobs.store import Blur, Record
from unblur.serve.task import Task


@dataclass
class Job:
    """A job.

    Attributes:
        task: deblurs the photo, and returns what is then known of the job: fields of its record.
        measuring: measures its blur, until that is done.
        asked: when it was last asked for, by the clock of `Jobs`.
        begun: whether the task was.
    """

    record: Record
    asked: float
    task: Task[dict[str, Any]] | None = None
    measuring: Task[Blur] | None = None
    begun: bool = False
    removed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def state(self) -> Literal["waiting", "running", "done", "failed"]:
        running = self.record.state == "waiting" and self.task and self.task.state == "running"
        return "running" if running else self.record.state

    @property
    def progress(self) -> float:
        if self.record.state == "done":
            return 1.0
        return self.task.progress if self.task and self.record.state == "waiting" else 0.0
