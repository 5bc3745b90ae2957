"""Jobs that are viewed: pictures, blur, the result at any strength, and another job of a photo."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.files import with_thumbnail, write
from tests.serve.conftest import Brighter, Live, Network, finished_job, until
from unblur import photo
from unblur.inference.deblurrer import Deblurrer
from unblur.serve.jobs import measuring, previews

Start = Callable[..., Live]


def posted(server: Live, data: bytes, **options: Any) -> httpx.Response:
    return server.client.post("/v1/jobs", content=data, params={"view": True, **options})


def viewed(server: Live, data: bytes, **options: Any) -> dict[str, Any]:
    """A finished job that is viewed."""
    answer = posted(server, data, **options)
    assert answer.status_code == 202, answer.text
    return finished_job(server.client, answer.headers["location"])


def again(server: Live, job: dict[str, Any], **options: Any) -> dict[str, Any]:
    answer = server.client.post(f"/v1/jobs/{job['id']}/again", params=options)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return finished_job(server.client, answer.headers["location"])


def result(server: Live, job: dict[str, Any], **options: Any) -> bytes:
    answer = server.client.get(job["result"], params=options)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_it_shows_the_photo_at_once_and_the_result_when_it_is_done(
    live: Start, network: Network, png: bytes, picture: np.ndarray, tmp_path: Path
) -> None:
    server = live()
    network.go.clear()
    job = posted(server, png, name="a/b ü.png").json()
    height, width = picture.shape[:2]
    assert (job["width"], job["height"], job["name"]) == (width, height, "b ü.png")
    assert job["details"].startswith(f"PNG, {width} \N{MULTIPLICATION SIGN} {height}, ")
    assert job["pictures"]["after"] is job["pictures"]["tiles"] is job["unchanged"] is None
    at = f"/v1/jobs/{job['id']}"
    for name in ("thumb", "before"):
        shown = server.client.get(f"/{job['pictures'][name]}")
        assert shown.headers["cache-control"] == "private, max-age=3600, immutable"
        assert Image.open(io.BytesIO(shown.content)).size == (width, height)
    for early in ("after.jpg", "before/0_0.jpg", "result"):
        assert server.client.get(f"{at}/{early}").status_code == 409, early
    network.go.set()
    job = finished_job(server.client, at)
    assert (job["unchanged"], job["result_name"]) == (False, "b ü-deblurred.png")
    shown = server.client.get(f"/{job['pictures']['after']}").content
    assert Image.open(io.BytesIO(shown)).size == (width, height)
    answer = server.client.get(f"{at}/result")
    assert answer.content == photo.encode(photo.read(png), Deblurrer(network)(picture))
    named = "attachment; filename*=utf-8''b%20%C3%BC-deblurred.png"
    assert answer.headers["content-disposition"] == named
    for wrong in ("thumbs.jpg", "../photo.jpg", "before/a_0.jpg", "before/-1_0.jpg"):
        assert server.client.get(f"{at}/{wrong}").status_code in (404, 422), wrong
    files = {path.name for path in (tmp_path / "jobs" / job["id"]).iterdir()}
    assert files >= {"photo", "thumb.jpg", "before.jpg", "after.jpg", "change", "job.json"}
    server.client.delete(at)
    gone = server.client.get(f"{at}/before.jpg")
    assert (gone.status_code, gone.headers["cache-control"]) == (404, "no-store")


def test_a_large_photo_has_tiles_of_both_sides(
    live: Start, png: bytes, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "BASE", 60)
    server = live()
    pictures = viewed(server, png)["pictures"]
    assert pictures["base"] == 60 / max(picture.shape[:2])
    for side in ("before", "after"):
        tile = server.client.get(f"/{pictures['tiles'][side]}/0_0.jpg")
        assert Image.open(io.BytesIO(tile.content)).size == picture.shape[1::-1]
        for there_is_none in ("1_0", "-1_0", f"0_{10**30}"):
            answer = server.client.get(f"/{pictures['tiles'][side]}/{there_is_none}.jpg")
            assert answer.status_code == 404
            assert answer.json()["detail"] == "the photo has no such tile"


def test_what_cannot_be_read_is_refused_at_once_and_leaves_nothing(
    live: Start, png: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = live(max_pixels=20_000)
    large, raw = np.zeros((200, 200, 3), np.uint8), np.zeros((20, 20, 3), np.uint8)
    bad = (
        (b"rubbish" * 20, "a.png", 415),
        (png[: len(png) // 2], "a.png", 422),
        (write(tmp_path / "b.png", large).read_bytes(), "b.png", 413),
        (with_thumbnail(tmp_path / "c", raw).read_bytes(), "c.nef", 415),
    )
    for data, name, status in bad:
        refused = posted(server, data, name=name)
        assert refused.status_code == status, refused.text
        assert refused.json()["detail"].startswith("the photo ")
    named_raw = posted(server, bad[-1][0], name="c.nef")
    assert "raw" in named_raw.json()["detail"]

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("unblur.serve.jobs.previews.show_before", full)
    assert posted(server, png).status_code == 503
    assert not list((tmp_path / "jobs").iterdir())
    assert server.app.state.jobs.count() == {"waiting": 0, "running": 0, "done": 0, "failed": 0}


def test_a_viewed_photo_needs_room_on_the_disk(
    live: Start, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = live()
    usage = type("Usage", (), {"free": 2**29 + 2**28})
    monkeypatch.setattr("unblur.serve.disk_space.shutil.disk_usage", lambda _: usage)
    refused = posted(server, png)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "120")
    assert server.client.post("/v1/jobs", content=png).status_code == 202


@pytest.fixture
def networks(network: Network, monkeypatch: pytest.MonkeyPatch) -> dict[str, Brighter]:
    made = {"a": Brighter(0.2), "b": Brighter(0.4)}
    monkeypatch.setattr("unblur.serve.models.open_network", lambda name, **_: made[name])
    return made


def test_another_model_scale_or_best_makes_another_result_of_the_same_file(
    live: Start, networks: dict[str, Brighter], png: bytes, tmp_path: Path
) -> None:
    server = live(model=("a", "b"))
    first = viewed(server, png, name="x.png", keep=60)
    asked: list[dict[str, Any]] = [
        {"model": "b"},
        {"scale": "1/2"},
        {"best": True, "strength": 0.5},
    ]
    others = [again(server, first, **options) for options in asked]
    for job, options in zip(others, asked, strict=True):
        expected = server.client.post("/v1/deblur", content=png, params=options)
        assert result(server, job) == expected.content
    assert result(server, others[0]) != result(server, first)
    assert [job["scales"] for job in (first, *others)] == ["", "", "Worked at half size", ""]
    assert {(job["name"], job["keep"], job["view"]) for job in others} == {("x.png", 60, True)}
    files = [tmp_path / "jobs" / job["id"] / "photo" for job in (first, *others)]
    assert files[0].stat().st_nlink == 4
    # They do not need each other.
    server.client.delete(f"/v1/jobs/{first['id']}")
    assert result(server, others[0], strength=0) == png


def test_again_needs_the_photo_and_right_options(
    live: Start, network: Network, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = live(max_jobs=3)
    job = server.client.post("/v1/jobs", content=png).json()
    finished_job(server.client, f"/v1/jobs/{job['id']}")
    refused = server.client.post(f"/v1/jobs/{job['id']}/again")
    assert refused.status_code == 409
    assert refused.json()["detail"] == "the job's photo is not kept any more; send it again"
    kept = viewed(server, png)["id"]
    wrong = {
        "model=x": "no model of this name; there is default",
        "scael=1": "there is no option 'scael'; did you mean 'scale'?",
        "scale=7": "scale: ",
        "best=1&best=0": "the option 'best' was given 2 times, not once",
    }
    for query, said in wrong.items():
        answer = server.client.post(f"/v1/jobs/{kept}/again?{query}")
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(said)
    assert server.client.post("/v1/jobs/x/again").status_code == 404
    form = server.client.post(f"/v1/jobs/{kept}/again", data={"best": "true"})
    assert form.status_code == 422
    assert form.json()["detail"] == "the options belong in the address, as again?best=true"

    def no_links(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", no_links)  # then it is copied
    assert server.client.post(f"/v1/jobs/{kept}/again").status_code == 202
    full = server.client.post(f"/v1/jobs/{kept}/again")
    assert (full.status_code, full.headers["retry-after"].isdigit()) == (429, True)


def test_a_failed_photo_is_tried_another_way(live: Start, network: Network, png: bytes) -> None:
    rgba = np.dstack([np.full((20, 20, 3), 90, np.uint8), np.arange(400).reshape(20, 20) % 256])
    buffer = io.BytesIO()
    Image.fromarray(rgba.astype(np.uint8)).save(buffer, "png")
    server = live()
    failed = viewed(server, buffer.getvalue(), format="jpeg")
    assert failed["state"] == "failed"
    assert server.client.get(f"/v1/jobs/{failed['id']}/result").status_code == 422
    assert again(server, failed, format="webp")["state"] == "done"


def test_only_a_viewed_job_has_other_results_and_pictures(live: Start, png: bytes) -> None:
    server = live()
    job = finished_job(
        server.client, server.client.post("/v1/jobs", content=png).headers["location"]
    )
    assert (job["pictures"], job["measuring"], job["unchanged"]) == (None, False, False)
    assert job["details"].startswith("PNG, ")
    assert result(server, job, strength=1, format="png")
    for query in ("strength=0.5", "format=webp"):
        refused = server.client.get(f"{job['result']}?{query}")
        assert refused.status_code == 409
        assert "view=true" in refused.json()["detail"]
    wrong = server.client.get(f"{job['result']}?strenght=0.5")
    assert wrong.json()["detail"] == "there is no option 'strenght'; did you mean 'strength'?"
    for name in ("before.jpg", "blur.png", "after/0_0.jpg"):
        assert server.client.get(f"/v1/jobs/{job['id']}/{name}").status_code == 409


def test_what_a_result_does_not_have_is_said(
    live: Start, tmp_path: Path, picture: np.ndarray
) -> None:
    server = live()
    job = viewed(server, with_thumbnail(tmp_path / "photo.tif", picture).read_bytes())
    assert job["notes"] == ["without the thumbnail"]
    told = [
        server.client.get(f"{job['result']}?strength={strength}").headers.get("unblur-notes")
        for strength in (1, 0.5, 0)
    ]
    assert told == ["without the thumbnail", "without the thumbnail", None]
    cannot = server.client.get(f"{job['result']}?format=jpeg")
    assert cannot.status_code == 200
    assert cannot.content[:2] == b"\xff\xd8"


def test_many_results_are_a_zip_whose_names_differ(
    live: Start, network: Network, png: bytes
) -> None:
    server = live()
    jobs = [viewed(server, png, name=name) for name in ("deep.tif", "deep.tif", "ü.png")]
    plain = server.client.post("/v1/jobs", content=png).json()
    finished_job(server.client, f"/v1/jobs/{plain['id']}")
    network.go.clear()
    waiting = posted(server, png).json()
    ids = ",".join(job["id"] for job in (*jobs, plain, waiting, {"id": "unknown"}))
    answer = server.client.get(f"/v1/jobs/results.zip?ids={ids}&strength=0.5")
    assert answer.headers["content-disposition"] == 'attachment; filename="unblur.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [
            "deep-deblurred.png",
            "deep-deblurred (2).png",
            "ü-deblurred.png",
            "deblurred.png",
        ]
        assert archive.read("ü-deblurred.png") == result(server, jobs[2], strength=0.5)
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    early = server.client.get(f"/v1/jobs/results.zip?ids={waiting['id']}")
    assert early.status_code == 409
    assert server.client.get("/v1/jobs/results.zip?ids=unknown").status_code == 404
    many = ",".join(map(str, range(201)))
    assert server.client.get(f"/v1/jobs/results.zip?ids={many}").status_code == 422
    wrong = server.client.get(f"/v1/jobs/results.zip?ids={ids}&strenght=0")
    assert wrong.json()["detail"] == "there is no option 'strenght'; did you mean 'strength'?"


def test_a_zip_leaves_nothing_behind_and_is_cut_short_by_what_fails(
    live: Start, network: Network, png: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unblur.serve.jobs.results._CHUNK", 100)
    server = live()
    jobs = [viewed(server, png) for _ in range(2)]
    address = f"/v1/jobs/results.zip?ids={jobs[0]['id']},{jobs[1]['id']}"
    with server.client.stream("GET", address) as answer:
        next(answer.iter_raw())
    assert server.client.head(address).status_code == 200
    until(lambda: not server.server.server_state.tasks)
    assert not list((tmp_path / "jobs").rglob(".result-*"))

    server.client.delete(f"/v1/jobs/{jobs[0]['id']}")  # it is left out
    assert len(zipfile.ZipFile(io.BytesIO(server.client.get(address).content)).namelist()) == 1

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("unblur.serve.jobs.viewing.blend", full)
    with pytest.raises(httpx.RemoteProtocolError):
        server.client.get(address)
    one = server.client.get(f"/v1/jobs/{jobs[1]['id']}/result")
    assert (one.status_code, one.headers["retry-after"]) == (503, "120")
    assert one.json()["detail"] == "there is no room for it on the server's disk"


def test_photos_are_measured_when_there_is_time_and_their_maps_drawn(
    live: Start, network: Network, png: bytes, picture: np.ndarray, tmp_path: Path
) -> None:
    server = live()
    job = viewed(server, png)
    at = f"/v1/jobs/{job['id']}"
    state: dict[str, Any] = {}
    until(lambda: state.update(server.client.get(at).json()) or state["blur"])
    assert state["measuring"] is False
    assert f"sharpness {state['blur']['score']} of 100" in state["blur"]["words"]
    drawn = server.client.get(f"/{state['pictures']['blur']}")
    with Image.open(io.BytesIO(drawn.content)) as strokes:
        assert strokes.mode == "RGBA"
        assert max(strokes.size) == measuring.SIDE
    # Another job of the photo is not measured again.
    other = again(server, state)
    assert (other["blur"], other["measuring"]) == (state["blur"], False)
    drawn_again = server.client.get(f"/{other['pictures']['blur']}")
    assert drawn_again.content == drawn.content


def test_a_photo_that_goes_is_not_measured(
    live: Start, network: Network, png: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = live(threads=1)
    network.go.clear()
    jobs = [posted(server, png).json() for _ in range(3)]
    assert network.began.acquire(timeout=20)
    assert server.queue.count()["spare"] == 3
    for job in jobs:
        assert server.client.get(f"/v1/jobs/{job['id']}/blur.png").status_code == 409
        server.client.delete(f"/v1/jobs/{job['id']}")
    assert server.queue.count()["spare"] == 0
    network.go.set()
    until(lambda: not any(server.queue.count().values()))
    until(lambda: not list((tmp_path / "jobs").iterdir()))
    assert caplog.records == []
