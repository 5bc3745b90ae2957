"""The sessions of the page, and how their photos are run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.files import with_thumbnail, write
from tests.serve.conftest import Brighter, until
from unblur.errors import BusyError, ExpiredError
from unblur.inference.options import Scale
from unblur.serve.models import LoadedModels
from unblur.serve.page import measuring, running
from unblur.serve.page.sessions import IDLE, LEFT, Session, Sessions, clean_name, upload_name
from unblur.serve.queue import PhotoQueue
from unblur.serve.result import CachedResult
from unblur.serve.work import deblurring


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Any:
    networks = {"a": Brighter(0.2), "b": Brighter(0.4)}
    monkeypatch.setattr("unblur.serve.models.open_network", lambda name, **_: networks[name])
    made = PhotoQueue(LoadedModels(networks))
    yield made
    made.close(5)


@pytest.fixture
def sessions(queue: PhotoQueue, tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "sessions", queue)


def bring(session: Session, pixels: np.ndarray, name: str = "photo.png") -> Any:
    folder = session.new_folder()
    path = write(folder / "original.png", pixels).rename(folder / upload_name(name))
    return session.add(name, folder, path, None)


def go(
    session: Session,
    queue: PhotoQueue,
    model: str | None = None,
    best: bool = False,
    scale: Scale = "auto",
) -> list[dict[str, Any]]:
    async def all_of_it() -> list[dict[str, Any]]:
        return [state async for state in running.run(session, queue, model, 60, best, scale)]

    return asyncio.run(all_of_it())


def test_what_a_result_does_not_have_is_said(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray
) -> None:
    session = sessions.open("session")
    folder = session.new_folder()
    path = with_thumbnail(folder / "original", picture)
    upload = session.add("photo.tif", folder, path, None)
    assert running.described(session, upload, queue)["notes"] == ""
    assert go(session, queue)[-1]["photos"][0]["notes"] == "Without the thumbnail"
    assert upload.result is not None
    assert upload.result.cached.save(folder / "out").lost == ("the thumbnail",)
    assert upload.result.cached.save(folder / "out", 0).lost == ()


def test_another_model_makes_another_result_and_the_first_one_goes(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray
) -> None:
    session = sessions.open("session")
    upload = bring(session, picture)
    states = go(session, queue)
    versions = [state["version"] for state in states]
    assert versions == sorted(set(versions))
    assert states[-1]["photos"][0]["state"] == "done"
    first = upload.result.cached.encode().data
    names = {path.name for path in upload.folder.iterdir()}
    assert names == {"original", "thumb.jpg", "before.jpg", "after-1.jpg", "after-1.change"}

    again = go(session, queue, "b")
    assert again[0]["photos"][0]["state"] == "waiting"
    assert again[-1]["photos"][0]["after"].endswith("after-2.jpg")
    assert upload.result.cached.encode().data != first
    assert {path.name for path in upload.folder.iterdir()} == {
        *names - {"after-1.jpg", "after-1.change"},
        *("after-2.jpg", "after-2.change"),
    }
    assert len(go(session, queue, "b")) == 1  # nothing to do


def test_the_results_with_and_without_best_are_both_kept(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray
) -> None:
    session = sessions.open("session")
    upload = bring(session, picture)
    go(session, queue)
    runs: list[object] = []
    queue.on_finished.append(lambda task, _: runs.append(task.total))
    shown = [
        go(session, queue, best=best)[-1]["photos"][0]["after"] for best in (True, False, True)
    ]
    assert [name.rpartition("/")[2] for name in shown] == [
        "after-2.jpg",
        "after-1.jpg",
        "after-2.jpg",
    ]
    tiles = 6
    assert runs == [8 * tiles]
    assert len(list(upload.folder.glob("after-*.change"))) == 2

    go(session, queue, "b", best=True)
    assert [path.name for path in upload.folder.glob("after-*.jpg")] == ["after-3.jpg"]
    assert len(list(upload.folder.glob("after-*.change"))) == 1


def test_another_scale_makes_another_result_and_the_others_go(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray
) -> None:
    session = sessions.open("session")
    upload = bring(session, picture)
    for best in (False, True):
        assert go(session, queue, best=best)[-1]["photos"][0]["scales"] == ""
    (told,) = go(session, queue, scale=0.5)[-1]["photos"]
    assert told["after"].endswith("after-3.jpg")
    assert told["scales"] == "Worked at half size"
    assert [path.name for path in upload.folder.glob("after-*.change")] == ["after-3.change"]
    assert len(go(session, queue, scale=0.5)) == 1  # nothing to do
    # The model measures no blur: by itself full size, but another choice all the same.
    assert go(session, queue)[-1]["photos"][0]["scales"] == ""


def test_another_way_is_tried_with_what_failed(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray
) -> None:
    session = sessions.open("session")
    upload = bring(session, picture)
    upload.path.rename(upload.folder / "hidden")
    assert go(session, queue, best=True)[-1]["photos"][0]["state"] == "failed"
    (upload.folder / "hidden").rename(upload.path)
    assert go(session, queue, best=True)[-1]["photos"][0]["state"] == "failed"
    (told,) = go(session, queue)[-1]["photos"]
    assert (told["state"], told["error"]) == ("done", "")


def test_what_best_needs_is_loaded_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, picture: np.ndarray
) -> None:
    loaded: list[tuple[str, str]] = []
    rounded, exact = Brighter(), Brighter()
    rounded.precision = "int8"

    def load(model: str, precision: str = "auto") -> Brighter:
        loaded.append((model, precision))
        return rounded if (model, precision) == ("a", "auto") else exact

    monkeypatch.setattr("unblur.serve.models.open_network", load)
    path = write(tmp_path / "photo.png", picture)
    queue = PhotoQueue(LoadedModels(("a", "b")))
    for name, best in (("a", False), ("a", True), ("a", True), ("b", True)):
        model = queue.models.find(name)
        work = deblurring(model, path, CachedResult.close, max_pixels=None, best=best)
        queue.submit(work).future.result(20)
    queue.close(5)
    # Rounded to 8 bits, it is loaded again in floats; in floats, the same network serves.
    assert loaded == [("a", "auto"), ("b", "auto"), ("a", "float")]


def test_what_visitors_leave_is_deleted(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray
) -> None:
    left, idle, kept = (sessions.open(name) for name in "abc")
    for session in (left, idle, kept):
        bring(session, picture)
    go(kept, queue)
    sessions.leave("a")
    with pytest.raises(ExpiredError):
        sessions.find("no such token")
    now = kept.used
    sessions.sweep(now + LEFT - 1)
    assert left.folder.exists()
    sessions.sweep(now + LEFT + 1)
    assert not left.folder.exists()
    with pytest.raises(ExpiredError):
        sessions.find(left.token)
    kept.used = now + IDLE
    sessions.sweep(now + IDLE + 1)
    assert not idle.folder.exists()
    assert kept.folder.exists()

    sessions.leave("c")
    sessions.find(kept.token)  # it has come back
    sessions.sweep(kept.used + IDLE - 1)
    assert kept.folder.exists()
    sessions.close()
    assert not sessions.folder.exists()


def test_nobody_waits_for_the_photos_of_a_page_that_was_left(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray
) -> None:
    session = sessions.open("session")
    upload = bring(session, picture)
    sessions.leave("session")
    assert go(session, queue)[-1]["photos"][0]["state"] == "waiting"
    sessions.find(session.token)
    assert go(session, queue)[-1]["photos"][0]["state"] == "done"
    session.remove(upload, queue)
    assert not upload.folder.exists()


def test_a_photo_without_room_in_the_queue_waits_for_it(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sessions.open("session")
    bring(session, picture)
    monkeypatch.setattr(running, "BUSY", 0.01)
    full = iter([BusyError(1)] * 3)
    submit = queue.submit

    def submit_when_there_is_room(*arguments: Any, **how: Any) -> Any:
        for error in full:
            raise error
        return submit(*arguments, **how)

    monkeypatch.setattr(queue, "submit", submit_when_there_is_room)
    states = go(session, queue)
    assert states[0]["photos"][0]["state"] == "waiting"
    assert states[-1]["photos"][0]["state"] == "done"


def test_photos_are_measured_when_there_is_time_and_their_maps_drawn(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray
) -> None:
    session, network = held(sessions, queue, picture)
    (upload,) = session.uploads.values()

    async def states() -> list[dict[str, Any]]:
        measuring.measure(upload, queue)
        told = []
        async for state in running.run(session, queue, None, 60):
            (photo,) = state["photos"]
            told.append(photo)
            if photo["blur"]:  # before the deblurring, which waits
                network.go.set()
        return told

    last = asyncio.run(states())[-1]
    blur = last["blur"]
    assert (last["state"], last["measuring"], last["scales"]) == ("done", False, "")
    assert 0 <= blur["score"] <= 100
    assert f"sharpness {blur['score']} of 100" in blur["words"]
    with Image.open(measuring.draw(upload)) as drawn:
        assert drawn.mode == "RGBA"
        assert max(drawn.size) == measuring.SIDE
        assert abs(drawn.width / drawn.height - upload.width / upload.height) < 0.01
    assert upload.result
    upload.result.cached.scales = {1.0: 0.2, 0.5: 0.8}
    assert "half size" in running.state(session, queue)["photos"][0]["scales"]
    session.remove(upload, queue)
    with pytest.raises(OSError):  # noqa: PT011 - which one is the system's to say
        measuring.draw(upload)


def test_a_photo_that_goes_is_not_measured(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    session = sessions.open("session")
    uploads = [bring(session, picture) for _ in range(3)]
    for upload in uploads:
        measuring.measure(upload, queue)
        session.remove(upload, queue)
    until(lambda: not any(queue.count().values()))
    assert not any(upload.measuring for upload in uploads)
    assert caplog.records == []


def held(sessions: Sessions, queue: PhotoQueue, picture: np.ndarray) -> tuple[Session, Any]:
    """A session with a photo, and the network, which waits until its `go` is set."""
    session = sessions.open("session")
    bring(session, picture)
    network: Any = queue.models.find("a").network
    network.go.clear()
    return session, network


def test_the_work_goes_on_when_the_listener_is_gone(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray
) -> None:
    session, network = held(sessions, queue, picture)

    async def listen_again() -> list[dict[str, Any]]:
        gone = running.run(session, queue, None, 60)
        await anext(gone)
        worker = session.worker
        return [state async for state in first_of_two(worker)]

    async def first_of_two(worker: object) -> AsyncIterator[dict[str, Any]]:
        async for state in running.run(session, queue, None, 60):
            assert session.worker is worker
            network.go.set()
            yield state

    assert asyncio.run(listen_again())[-1]["photos"][0]["state"] == "done"


def test_a_photo_that_takes_too_long_is_given_up(
    sessions: Sessions, queue: PhotoQueue, picture: np.ndarray
) -> None:
    session, network = held(sessions, queue, picture)

    async def last_state() -> dict[str, Any]:
        told: dict[str, Any] = {}
        async for state in running.run(session, queue, None, 0.1):
            (told,) = state["photos"]
            if told["state"] == "failed":
                network.go.set()
        return told

    told = asyncio.run(last_state())
    assert (told["state"], told["error"]) == ("failed", "took too long and was given up")


def test_names_are_for_reading_only() -> None:
    assert clean_name("../../etc/pass\0wd\n.jpg") == "passwd.jpg"
    assert clean_name("C:\\photos\\a.jpg") == "a.jpg"
    assert clean_name("..") == "photo"
    assert len(clean_name("x" * 999 + ".jpg")) == 104
    assert upload_name("../a.jpg") == "original"
    assert upload_name("a.NEF") == "original.nef"
