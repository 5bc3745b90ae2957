"""POST /v1/inspect: what `unblur.inspection` says of the same photo, in JSON."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.hostile import png as png_of_size
from PIL import Image

from tests.inference.shaken import Shaken
from tests.serve.conftest import Live, Network, until
from tests.serve.server import Server
from unblur import photo
from unblur.inference.blur_map import CELL
from unblur.inference.deblur_file import source_of
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.inspector import Inspector
from unblur.inspection import Inspection, inspect_source
from unblur.serve.models import LoadedModels

EXAMPLE = Path(__file__).parents[2] / "examples" / "text_motion.jpg"
MAPS = {"length": 0.051, "radius": 0.051, "confidence": 0.0051}
"""Lists of the answer, and half of their last digit."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("inspect")
    with Server(folder / "jobs", "--no-page", "--max-mb", "4", "--max-pixels", "1000000") as one:
        yield one
        assert one.stop() == 0
        assert not [line for line in one.log if "Traceback" in line]


@pytest.fixture(scope="module")
def inspector() -> Inspector:
    return Inspector(Deblurrer().engine)


def inspected(inspector: Inspector, data: bytes) -> Inspection:
    return inspect_source(inspector, source_of(photo.read(data)))


def test_the_answer_is_that_of_the_library(server: Server, inspector: Inspector) -> None:
    sent = EXAMPLE.read_bytes()
    expected = inspected(inspector, sent)
    form = server.client.post("/v1/inspect", files={"photo": sent}, data={"map": "true"})
    body = server.client.post("/v1/inspect?map=true", content=sent)
    off = {"files": {"photo": sent}, "data": {"map": "false"}, "params": {"map": "true"}}
    plain = server.client.post("/v1/inspect?model=default", content=sent)
    assert form.status_code == 200
    assert form.json() == body.json()
    assert form.headers["content-type"] == "application/json"
    short = {**expected.as_dict(), "width": expected.width, "height": expected.height, "map": None}
    assert plain.json() == server.client.post("/v1/inspect", **off).json() == short
    cells = form.json()["map"]
    assert {**form.json(), "map": None} == short
    rows, columns = expected.map.shape
    assert (cells["cell"], cells["rows"], cells["columns"]) == (CELL, rows, columns)
    for name, most in MAPS.items():
        np.testing.assert_allclose(cells[name], getattr(expected.map, name), atol=most)
    angle = np.array(cells["angle"])
    assert ((angle >= 0) & (angle < 180)).all()
    apart = np.abs(angle - expected.map.angle) % 180
    assert np.minimum(apart, 180 - apart).max() <= 0.51
    assert len(form.content) < 40 * rows * columns + 1000


def test_a_photo_that_is_turned_by_its_exif_is_measured_upright(
    server: Server, inspector: Inspector, picture: np.ndarray
) -> None:
    lying, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.tile(picture, (1, 3, 1))).save(lying, "PNG", exif=exif)
    answer = server.client.post("/v1/inspect?map=1", content=lying.getvalue()).json()
    height, width = picture.shape[0], 3 * picture.shape[1]
    assert (answer["width"], answer["height"]) == (height, width)
    assert np.shape(answer["map"]["length"]) == (-(-width // CELL), -(-height // CELL))
    upright = inspected(inspector, lying.getvalue())
    np.testing.assert_allclose(answer["map"]["length"], upright.map.length, atol=MAPS["length"])


GOOD = EXAMPLE.read_bytes()
BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "nothing": ({"content": b""}, 422, "its body is empty"),
    "no file": (
        {
            "content": b'--y\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--y--\r\n',
            "headers": {"content-type": "multipart/form-data; boundary=y"},
        },
        422,
        "the form holds no file",
    ),
    "text": ({"content": b"hello"}, 415, "is not a picture of a format"),
    "cut": ({"content": GOOD[: len(GOOD) // 2]}, 422, "damaged"),
    "bomb": ({"content": png_of_size(30000, 30000)}, 413, "more than the limit"),
    "too long": ({"content": bytes(5 * 2**20)}, 413, "longer than the limit of 4194304 B"),
    "model": ({"content": GOOD, "params": {"model": "x"}}, 422, "no model of this name"),
    "form's model": ({"files": {"a": GOOD}, "data": {"model": "x"}}, 422, "no model of this name"),
    "map": ({"content": GOOD, "params": {"map": "perhaps"}}, 422, "map: "),
    "exact": ({"content": GOOD, "params": {"exact": "very"}}, 422, "exact: "),
    "form's map": ({"files": {"a": GOOD}, "data": {"map": "x"}}, 422, "map: "),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_requests_get_one_line(server: Server, name: str) -> None:
    request, status, message = BAD[name]
    answer = server.client.post("/v1/inspect", **request)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


def test_it_waits_in_the_one_queue(live: Callable[..., Live], network: Network, png: bytes) -> None:
    server = live(threads=1, queue=1)
    network.go.clear()
    with ThreadPoolExecutor(2) as pool:
        deblurs = pool.submit(server.client.post, "/v1/deblur", content=png)
        until(lambda: server.queue.count()["running"] == 1)
        inspects = pool.submit(server.client.post, "/v1/inspect", content=png)
        until(lambda: server.queue.count()["waiting"] == 1)
        refused = server.client.post("/v1/inspect", content=png)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        network.go.set()
        assert deblurs.result().status_code == inspects.result().status_code == 200
    figures = server.client.get("/metrics").text
    for work in ("deblur", "inspect"):
        assert f'unblur_photos_total{{end="done",work="{work}"}} 1.0' in figures
    assert 'route="/v1/inspect",status="429"} 1.0' in figures


def test_who_waits_too_long_is_told_so_and_not_worked_for(
    live: Callable[..., Live], network: Network, png: bytes
) -> None:
    server = live(threads=1, timeout=0.2)
    network.go.clear()
    with ThreadPoolExecutor(1) as pool:
        deblurs = pool.submit(server.client.post, "/v1/deblur", content=png)
        until(lambda: server.queue.count()["running"] == 1)
        late = server.client.post("/v1/inspect", content=png)
        assert late.status_code == 503
        assert "longer than the limit of 0.2 s" in late.json()["detail"]
        assert "job" not in late.json()["detail"]
        assert deblurs.result().status_code == 503
    network.go.set()
    until(lambda: not any(server.queue.count().values()))
    assert 'work="inspect"' not in server.client.get("/metrics").text


def test_exact_is_asked_for(
    live: Callable[..., Live], png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    class Noted(Inspector):
        def __call__(self, source: Any) -> Any:
            asked.append(self.exact)
            return super().__call__(source)

    monkeypatch.setattr("unblur.serve.models.Inspector", Noted)
    client = live().client
    for query in ("", "?exact=true", "?exact=false"):
        assert client.post(f"/v1/inspect{query}", content=png).status_code == 200
    client.post("/v1/inspect", files={"photo": png}, data={"exact": "1"})
    assert asked == [False, True, False, True]


def test_what_does_not_measure_is_replaced_by_one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    default, plain = Shaken(0), {"a": Network(), "b": Network()}
    monkeypatch.setattr(
        "unblur.inference.inspector.open_network", lambda name, *_: opened.append(name) or default
    )
    monkeypatch.setattr(
        "unblur.serve.models.open_network", lambda name, **_: {**plain, "default": default}[name]
    )
    models = LoadedModels(("a", "b"))
    assert opened == []
    for name in ("a", "b", "a"):
        for exact in (False, True):
            inspector = models.find(name).inspector(exact)
            assert (inspector.engine, inspector.exact) == (default, exact)
    assert opened == ["default"]
    # One that is loaded is not loaded again.
    assert LoadedModels(("a", "default")).find("a").inspector().engine is default
    assert opened == ["default"]
