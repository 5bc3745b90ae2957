"""Jobs outlive the server: whatever kills it, whenever, none is lost and none is done wrong."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.files import unblur, with_thumbnail, write
from tests.serve.conftest import Live, Network, finished_job, opened, until
from tests.serve.server import Server
from unblur import photo
from unblur.errors import BusyError, UnblurError
from unblur.inference.deblurrer import Deblurrer
from unblur.serve.jobs import Jobs
from unblur.serve.jobs.choices import JobChoices
from unblur.serve.jobs.runner import TRIES
from unblur.serve.jobs.store import Record, Store, copied, new_id
from unblur.serve.models import LoadedModels
from unblur.serve.queue import PhotoQueue

SLOW = """
import sys, time
from unblur.inference.contract import Contract
from unblur.serve import models

class Slow:
    contract, parallel, digest, precision = Contract(), 1, "0" * 64, "f32"
    def __call__(self, batch):
        time.sleep(0.05)
        return -batch

models.open_network = lambda *_, **__: Slow()
sys.argv[0] = "unblur"
from unblur.cli import app
app()
"""


def inverted(data: bytes) -> bytes:
    picture = photo.read(data)
    return photo.encode(picture, Deblurrer(Network())(picture.pixels))


def test_no_kill_loses_a_job_or_a_result(tmp_path: Path) -> None:
    rng, chance = np.random.default_rng(0), random.Random(0)
    photos = [
        write(tmp_path / f"{n}.png", rng.integers(0, 255, (20, 30, 3), np.uint8)).read_bytes()
        for n in range(12)
    ]
    taken: dict[str, bytes] = {}
    fetched: dict[str, bytes] = {}

    def start() -> Server:
        return Server(tmp_path / "jobs", "--no-page", "--threads", "1", program=SLOW)

    def post(server: Server, some: list[bytes]) -> None:
        for n, data in enumerate(some):
            try:
                options = {"view": n != 1}
                answer = server.client.post("/v1/jobs", content=data, params=options)
            except httpx.TransportError:
                return  # killed: nothing was promised
            assert answer.status_code == 202
            taken[answer.json()["id"]] = data

    for turn in range(4):
        server = start()
        # What was finished once is there at once.
        for job, result in fetched.items():
            assert server.client.get(f"/v1/jobs/{job}/result").content == result
        posting = threading.Thread(target=post, args=(server, photos[turn * 3 : turn * 3 + 3]))
        posting.start()
        until(lambda: taken)  # by the first one, on the slowest machine
        time.sleep(chance.uniform(0.02, 0.25))
        for job in list(taken):
            answer = server.client.get(f"/v1/jobs/{job}/result")
            assert answer.status_code in (200, 409)
            if answer.status_code == 200:
                fetched[job] = answer.content
        server.kill()
        posting.join()
    assert taken
    with start() as server:

        def all_done() -> bool:
            states = [server.client.get(f"/v1/jobs/{job}").json()["state"] for job in taken]
            assert set(states) <= {"waiting", "running", "done"}
            return set(states) == {"done"}

        until(all_done)
        for job, data in taken.items():
            assert server.client.get(f"/v1/jobs/{job}/result").content == inverted(data)
            pictures = server.client.get(f"/v1/jobs/{job}").json()["pictures"] or {}
            for name in {"thumb", "before", "after"} & set(pictures):
                assert server.client.get(f"/{pictures[name]}").content[:2] == b"\xff\xd8"
        # Besides them, there are at most those that a kill cut off from their answer.
        assert len(list((tmp_path / "jobs").iterdir())) <= len(taken) + 4
        # One of those may still be at work; in the end no photo stays but to be viewed.
        homes = list((tmp_path / "jobs").iterdir())
        until(lambda: all((home / "photo").exists() == is_viewed(home) for home in homes))
        until(lambda: not list((tmp_path / "jobs").rglob(".*")))
        second = unblur("serve", "--port", "0", "--jobs", tmp_path / "jobs")
        assert second.returncode == 1
        assert second.stderr.count("\n") == 1
        assert "in use by another unblur" in second.stderr


def is_viewed(home: Path) -> bool:
    return json.loads((home / "job.json").read_text())["view"]


def waiting(store: Store, data: bytes, **fields: Any) -> Record:
    given: dict[str, Any] = {"strength": 1.0, "model": "default", "format": None, **fields}
    record = Record(new_id(), time.time(), **given)

    def fill(home: Path) -> dict[str, Any]:
        copied(io.BytesIO(data), home / "photo")
        return {}

    return store.create(record, fill)


def test_what_a_kill_can_leave_is_put_right(store: Store, network: Network, png: bytes) -> None:
    half = waiting(store, png)
    (store.folder / half.id).rename(store.folder / f".new-{half.id}")
    gone = waiting(store, png)
    (store.folder / gone.id).rename(store.folder / f".gone-{gone.id}-1")
    late = store.folder / new_id()
    late.mkdir()
    (late / "result").write_bytes(png)
    finished = waiting(store, png)
    store.result(finished).write_bytes(png)
    (store.folder / finished.id / ".unblur-xyz").write_bytes(b"half")
    recorded = waiting(store, png, state="done", finished=time.time(), format="png")
    store.result(recorded).write_bytes(png)
    refused = waiting(store, png, state="failed", finished=time.time(), error="no")
    torn = waiting(store, png)
    store.result(torn).write_bytes(png[:40])
    foreign = store.folder / "README"
    foreign.write_text("not a job")
    unreadable = waiting(store, png)
    (store.folder / unreadable.id / "job.json").write_text("{")
    cause = waiting(store, png, tries=TRIES)
    missing = waiting(store, png, model="other")
    good = waiting(store, png)

    queue, jobs = opened(store, network)
    until(lambda: jobs.count()["waiting"] == jobs.count()["running"] == 0)
    queue.close()
    jobs.close()
    there = {r.id: r for r in Store(store.folder).recover()}
    assert set(there) == {x.id for x in (finished, recorded, refused, cause, missing, good)}
    assert there[finished.id].state == there[good.id].state == "done"
    assert (there[recorded.id], there[refused.id]) == (recorded, refused)
    assert there[finished.id].format == "png"
    assert store.result(finished).read_bytes() == png
    assert store.result(good).read_bytes() == inverted(png)
    assert there[cause.id].error == f"the server was killed {TRIES} times while it ran"
    assert there[missing.id].error == "no model of this name; there is default"
    assert foreign.exists()
    # Of those that are finished, no photo stays.
    assert {p.parent.name for p in store.folder.glob("*/photo")} == {unreadable.id, torn.id}
    assert not list(store.folder.glob(".*"))
    assert not late.exists()


def test_a_kill_at_any_step_of_a_job_is_put_right(
    store: Store, network: Network, png: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on the disk before a file is put in its place or removed is what a kill leaves."""
    left: list[Path] = []

    def watched(change: Callable[..., Any]) -> Callable[..., Any]:
        def first_kept(*arguments: Any, **named: Any) -> Any:
            left.append(shutil.copytree(store.folder, tmp_path / f"left-{len(left)}"))
            return change(*arguments, **named)

        return first_kept

    queue, jobs = opened(store, network)
    with monkeypatch.context() as patch:
        for name in ("rename", "replace", "unlink"):
            patch.setattr(os, name, watched(getattr(os, name)))
        jobs.create(io.BytesIO(png), JobChoices())
        until(lambda: jobs.count()["done"])
    queue.close()
    jobs.close()

    def states(folder: Path) -> list[tuple[str, set[str]]]:
        """Of the jobs that there are, with their files."""
        homes = [home for home in folder.iterdir() if not home.name.startswith(".")]
        return [
            (json.loads((home / "job.json").read_text())["state"],
             {p.name for p in home.iterdir() if not p.name.startswith(".")})
            for home in homes
        ]  # fmt: skip

    before = [state for folder in left for state in states(folder)]
    for state in ("waiting", "done"):  # before it is written down, and before the photo goes
        assert (state, {"job.json", "photo", "result"}) in before
    for folder in (*left, store.folder):
        records = list(Store(folder).recover())
        assert not list(folder.rglob(".*"))
        for record, (state, files) in zip(records, states(folder), strict=True):
            assert record.state == state
            assert files == {"job.json", {"waiting": "photo", "done": "result"}[state]}
            if state == "done":
                assert record.format == "png"
                assert Store(folder).result(record).read_bytes() == inverted(png)


def test_a_job_at_its_best_stays_so_after_a_kill(
    store: Store, network: Network, png: bytes
) -> None:
    old, best = waiting(store, png), waiting(store, png, best=True)
    # As jobs were written down before there was such a choice.
    path = store.folder / old.id / "job.json"
    fields = json.loads(path.read_text())
    assert fields.pop("best") is False
    path.write_text(json.dumps(fields))
    totals: dict[bool, int] = {}
    queue, jobs = opened(store, network)
    found = {record.best: jobs.get(record.id) for record in (old, best)}
    for asked, job in found.items():
        assert job is not None
        assert job.record.best is asked
        assert job.task is not None
        job.task.future.result(20)
        totals[asked] = job.task.total
    queue.close()
    jobs.close()
    assert totals == {False: 1, True: 8}


def test_a_job_keeps_its_scale(
    store: Store, network: Network, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, third = waiting(store, png), waiting(store, png, scale=1 / 3)
    # As jobs were written down before there was such a choice.
    path = store.folder / old.id / "job.json"
    fields = json.loads(path.read_text())
    assert fields.pop("scale") == "auto"
    path.write_text(json.dumps(fields))
    used: list[object] = []

    class Noted(Deblurrer):
        def scales(self, source: Any) -> Any:
            used.append(self.scale)
            return super().scales(source)

    monkeypatch.setattr("unblur.serve.models.Deblurrer", Noted)
    queue, jobs = opened(store, network)
    made = jobs.create(io.BytesIO(png), JobChoices(scale=0.5)).record
    until(lambda: jobs.count()["done"] == 3)
    queue.close()
    jobs.close()
    assert sorted(map(str, used)) == sorted(map(str, ("auto", 1 / 3, 0.5)))
    there = {record.id: record.scale for record in Store(store.folder).recover()}
    assert there == {old.id: "auto", third.id: 1 / 3, made.id: 0.5}


def test_what_may_have_killed_the_server_comes_last(
    store: Store, network: Network, png: bytes
) -> None:
    network.go.clear()
    suspect = waiting(store, png, tries=1)
    first, second = waiting(store, png), waiting(store, png)
    queue, jobs = opened(store, network)
    assert network.began.acquire(timeout=20)
    found = {r.id: jobs.get(r.id) for r in (suspect, first, second)}
    assert [jobs.position(j) for j in found.values() if j] == [2, 0, 1]
    # Written down before it is begun.
    assert json.loads((store.folder / first.id / "job.json").read_text())["tries"] == 1
    jobs.delete(second.id)
    queue.drain()
    network.go.set()
    queue.close()
    jobs.close()
    again = {r.id: (r.state, r.tries) for r in Store(store.folder).recover()}
    assert again == {suspect.id: ("waiting", 1), first.id: ("done", 1)}


def test_jobs_are_bounded_and_their_time_is(store: Store, network: Network, png: bytes) -> None:
    queue, jobs = opened(store, network, capacity=2, keep=0.5)
    made = [jobs.create(io.BytesIO(png), JobChoices()) for _ in range(2)]
    with pytest.raises(BusyError):
        jobs.create(io.BytesIO(png), JobChoices())
    network.go.set()
    until(lambda: all(jobs.get(job.record.id) is None for job in made))
    jobs.sweep()
    assert not list(store.folder.iterdir())
    jobs.create(io.BytesIO(png), JobChoices())
    queue.close()
    jobs.close()


def test_a_job_deleted_at_work_leaves_nothing(
    live: Callable[..., Live], network: Network, png: bytes, tmp_path: Path
) -> None:
    server = live(threads=1)
    network.go.clear()
    running, waits = (server.client.post("/v1/jobs", content=png).json()["id"] for _ in range(2))
    assert network.began.acquire(timeout=20)
    assert server.client.get(f"/v1/jobs/{running}").json()["state"] == "running"
    assert server.client.get(f"/v1/jobs/{waits}").json()["position"] == 1
    assert server.client.get(f"/v1/jobs/{running}/result").status_code == 409
    for job in (running, waits):
        assert server.client.delete(f"/v1/jobs/{job}").status_code == 204
        assert server.client.get(f"/v1/jobs/{job}").status_code == 404
    network.go.set()
    until(lambda: not any(server.queue.count().values()))
    until(lambda: not list((tmp_path / "jobs").iterdir()))


def test_many_jobs_keep_nobody_waiting(
    live: Callable[..., Live], network: Network, png: bytes
) -> None:
    server = live(threads=2)
    network.go.clear()
    for _ in range(5):
        assert server.client.post("/v1/jobs", content=png).status_code == 202
    assert network.began.acquire(timeout=20)
    assert server.queue.count() == {"waiting": 0, "running": 1, "viewed": 0, "jobs": 4, "spare": 0}
    thread = threading.Thread(
        target=server.client.post, args=("/v1/deblur",), kwargs={"content": png}
    )
    thread.start()
    assert network.began.acquire(timeout=20)
    network.go.set()
    thread.join()


def test_a_folder_that_cannot_be_used_is_named(network: Network, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    queue = PhotoQueue(LoadedModels(["default"]), threads=1)
    with pytest.raises(UnblurError, match="file: cannot be made"):
        Jobs(queue, tmp_path / "file", 1, 1)
    queue.close()


def test_a_full_disk_is_said_and_takes_nothing(
    live: Callable[..., Live],
    network: Network,
    png: bytes,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    server = live()
    for what in ("store.shutil.copyfileobj", "store.require_room"):
        with monkeypatch.context() as patch:
            patch.setattr(f"unblur.serve.jobs.{what}", full)
            answer = server.client.post("/v1/jobs", content=png)
        assert answer.status_code == 503
        assert answer.json()["detail"] == "there is no room for it on the server's disk"
    assert not list((tmp_path / "jobs").iterdir())
    assert server.client.post("/v1/jobs", content=png).status_code == 202


def test_what_a_result_does_not_have_is_said(
    live: Callable[..., Live], store: Store, tmp_path: Path, picture: np.ndarray
) -> None:
    data = with_thumbnail(tmp_path / "photo.tif", picture).read_bytes()
    record = waiting(store, data)
    store.result(record).write_bytes(inverted(data))
    copied = waiting(store, data)
    store.result(copied).write_bytes(data)
    notes = {found.id: found.lost for found in store.recover()}
    assert notes == {record.id: ["the thumbnail"], copied.id: []}
    client = live().client
    note = "without the thumbnail"
    answer = client.post("/v1/deblur", content=data)
    assert answer.headers["unblur-notes"] == note
    assert "unblur-notes" not in client.post("/v1/deblur?strength=0", content=data).headers
    state = finished_job(client, client.post("/v1/jobs", content=data).headers["location"])
    assert state["notes"] == [note]
    assert client.get(state["result"]).headers["unblur-notes"] == note
