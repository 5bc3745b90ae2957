"""What is kept of jobs that are viewed after a kill, and for how long any job is kept."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.serve.conftest import Network, opened, until
from tests.serve.test_jobs import inverted
from unblur.serve.jobs import Jobs
from unblur.serve.jobs.choices import JobChoices
from unblur.serve.jobs.store import Store
from unblur.serve.models import LoadedModels
from unblur.serve.queue import PhotoQueue
from unblur.serve.result import CachedResult


def test_a_kill_at_any_step_of_a_viewed_job_is_put_right(
    store: Store, network: Network, png: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[Path] = []

    def kept(*_: object) -> None:
        left.append(shutil.copytree(store.folder, tmp_path / f"left-{len(left)}"))

    monkeypatch.setattr("unblur.serve.jobs.previews.BASE", 60)  # it has tiles
    queue, jobs = opened(store, network)
    with monkeypatch.context() as patch:
        for name in ("rename", "replace"):
            change = getattr(os, name)
            patch.setattr(os, name, lambda *a, c=change, **n: (kept(), c(*a, **n))[1])
        move = CachedResult.move_to_disk
        patch.setattr(CachedResult, "move_to_disk", lambda *a: (kept(), move(*a), kept())[1])
        job = jobs.create(io.BytesIO(png), JobChoices(view=True))
        until(lambda: jobs.count()["done"] and not job.measuring)
    queue.close()
    jobs.close()
    states: set[str] = set()
    for folder in (*left, store.folder):
        for record in Store(folder).recover():
            names = {path.name for path in Store(folder).home(record).iterdir()}
            made = {"after.jpg", "after", "before", "change"}
            assert names & made == (made if record.state == "done" else set())
            assert names - made - {"blur.npz"} == {"job.json", "photo", "thumb.jpg", "before.jpg"}
            states.add(record.state)
        assert not list(folder.rglob(".*"))
    assert states == {"waiting", "done"}

    # A change that a power cut has shortened is made again, and so is the result.
    change = store.home(job.record) / "change"
    change.write_bytes(change.read_bytes()[:-4])
    queue, jobs = opened(store, network)
    until(lambda: jobs.count()["done"])
    again = jobs.get(job.record.id)
    assert again is not None
    made = jobs.blend(again, 1.0, "png")
    assert made.path.read_bytes() == inverted(png)
    queue.close()
    jobs.close()


def test_a_photo_that_was_being_measured_at_a_kill_is_not_measured_again(
    store: Store, network: Network, png: bytes
) -> None:
    queue, jobs = opened(store, network)
    job = jobs.create(io.BytesIO(png), JobChoices(view=True))
    until(lambda: job.record.blur)
    store.update(replace(job.record, blur=None))
    queue.close()
    jobs.close()
    queue, jobs = opened(store, network)
    again = jobs.get(job.record.id)
    assert again is not None
    assert (again.state, again.measuring) == ("done", None)
    queue.close()
    jobs.close()
    # It was no kill, but a stop.
    (store.folder / job.record.id / "blur.npz").unlink()
    queue, jobs = opened(store, network)
    again = jobs.get(job.record.id)
    until(lambda: again and again.record.blur)
    queue.close()
    jobs.close()


def test_a_job_is_kept_as_long_as_it_is_asked_for(
    store: Store, network: Network, png: bytes
) -> None:
    now = [1000.0]
    queue = PhotoQueue(LoadedModels(["default"]), threads=1)
    jobs = Jobs(queue, store.folder, 100, 3600, lambda: now[0])
    network.go.clear()
    made = [
        jobs.create(io.BytesIO(png), JobChoices(view=view, keep=keep)).record
        for view, keep in ((True, 120), (False, 10), (True, 9e9), (False, None))
    ]
    asked, forgotten, long, other = (record.id for record in made)
    assert made[2].keep == 3600
    assert network.began.acquire(timeout=20)  # one is unfinished, and at work
    for _ in range(3):
        now[0] += 119
        assert jobs.get(asked)
    jobs.sweep()
    assert not (store.folder / forgotten).exists()
    assert jobs.get(long)
    assert jobs.get(other)
    now[0] += 121
    assert jobs.get(asked) is None  # even before they are swept
    jobs.sweep()
    network.go.set()
    until(lambda: not any(queue.count().values()))
    assert {path.name for path in store.folder.iterdir()} == {long, other}
    queue.close()
    jobs.close()
    # A restart counts as asking.
    queue = PhotoQueue(LoadedModels(["default"]), threads=1)
    jobs = Jobs(queue, store.folder, 100, 3600, lambda: now[0])
    now[0] += 3599
    jobs.sweep()
    assert jobs.get(long)
    queue.close()
    jobs.close()
