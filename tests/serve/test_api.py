"""The API as a newcomer meets it: a real server, real photos, and the command line's bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from benchmarks.hostile import png
from PIL import Image

from tests.files import unblur, write
from tests.foreign import REACH, conv_onnx, whole
from tests.serve.conftest import finished_job
from tests.serve.server import Server
from unblur import Deblurrer, photo

EXAMPLE = Path(__file__).parents[2] / "examples" / "text_motion.jpg"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of another project, of one size."""
    return conv_onnx(tmp_path_factory.mktemp("models") / "foreign.onnx", size=(256, 256))


@pytest.fixture(scope="module")
def server(foreign: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("serve")
    limits = ("--no-page", "--max-mb", "4", "--max-pixels", "1000000")
    models = ("--model", "default", "--model", str(foreign))
    with Server(folder / "jobs", *models, *limits) as one:
        yield one
        assert one.stop() == 0
        assert not [line for line in one.log if "Traceback" in line]


def test_a_network_of_others_gives_the_same_everywhere(
    server: Server, foreign: Path, tmp_path: Path
) -> None:
    """By the API, the command line and the library what it gives for the whole photo at once."""
    image = np.random.default_rng(0).integers(0, 65536, (600, 700, 3), np.uint16)
    path = write(tmp_path / "photo.png", image)
    answer = server.client.post(
        "/v1/deblur", content=path.read_bytes(), params={"model": "foreign"}
    )
    assert answer.status_code == 200
    out = tmp_path / "out.png"
    assert unblur("deblur", path, "-o", out, "--model", foreign).returncode == 0
    assert answer.content == out.read_bytes()
    found = photo.read(out).pixels
    assert np.array_equal(found, Deblurrer(foreign)(image))
    alone = whole(conv_onnx(tmp_path / "free.onnx"), (image / 65535).astype(np.float32))
    difference = (found / 65535 - alone)[REACH * 2 : -REACH * 2, REACH * 2 : -REACH * 2]
    assert np.abs(difference).max() * 255 < 0.5


@pytest.mark.parametrize("strength", [None, 0.4])
@pytest.mark.parametrize(("kind", "ending"), [(None, ".jpg"), ("png", ".png"), ("webp", ".webp")])
def test_the_bytes_are_the_command_lines(
    server: Server, tmp_path: Path, strength: float | None, kind: str | None, ending: str
) -> None:
    options: dict[str, Any] = {"strength": strength, "format": kind}
    options = {name: value for name, value in options.items() if value is not None}
    out = tmp_path / f"out{ending}"
    flags = ["--strength", strength] if strength else []
    assert unblur("deblur", EXAMPLE, "-o", out, *flags).returncode == 0
    sent = EXAMPLE.read_bytes()
    form = server.client.post("/v1/deblur", files={"photo": sent}, data=options)
    body = server.client.post("/v1/deblur", content=sent, params=options)
    both = server.client.post(
        "/v1/deblur",
        files={"any": sent},
        data=options,
        params={"strength": 0, "format": "gif"} if strength and kind else {},
    )
    for answer in (form, body, both):
        assert answer.status_code == 200
        assert answer.content == out.read_bytes()
    name = {".jpg": "jpeg"}.get(ending, ending[1:])
    assert form.headers["content-type"] == f"image/{name}"
    job = server.client.post("/v1/jobs", files={"photo": sent}, data=options)
    assert job.status_code == 202
    where = job.headers["location"]
    state = finished_job(server.client, where)
    assert state["progress"] == 1
    assert server.client.get(state["result"]).content == out.read_bytes()
    # One that is viewed is posted at no strength, in no format, and has the result at any.
    job = server.client.post("/v1/jobs?view=true", content=sent)
    result = finished_job(server.client, job.headers["location"])["result"]
    viewed = server.client.get(result, params=options)
    assert viewed.content == out.read_bytes()
    assert viewed.headers["content-type"] == f"image/{name}"
    assert server.client.get(f"{result}?strength=0").content == sent
    assert server.client.delete(where).status_code == 204
    assert server.client.get(where).status_code == 404


def test_the_best_is_the_command_lines(server: Server, tmp_path: Path, picture: np.ndarray) -> None:
    path, out = write(tmp_path / "photo.png", picture), tmp_path / "out.png"
    assert unblur("deblur", path, "-o", out, "--best").returncode == 0
    sent = path.read_bytes()
    form = server.client.post("/v1/deblur", files={"photo": sent}, data={"best": "true"})
    body = server.client.post("/v1/deblur?best=true", content=sent)
    off = {"files": {"photo": sent}, "data": {"best": "false"}, "params": {"best": "true"}}
    plain = server.client.post("/v1/deblur", content=sent)
    assert form.content == body.content == out.read_bytes()
    assert server.client.post("/v1/deblur", **off).content == plain.content != form.content
    job = server.client.post("/v1/jobs?best=true", content=sent).json()
    assert job["best"] is True
    where = f"/v1/jobs/{job['id']}"
    finished_job(server.client, where)
    assert server.client.get(f"{where}/result").content == out.read_bytes()


def test_the_scale_is_the_command_lines(
    server: Server, tmp_path: Path, picture: np.ndarray
) -> None:
    path, out = write(tmp_path / "photo.png", picture), tmp_path / "out.png"
    assert unblur("deblur", path, "-o", out, "--scale", "1/3").returncode == 0
    sent = path.read_bytes()
    form = server.client.post("/v1/deblur", files={"photo": sent}, data={"scale": "1/3"})
    body = server.client.post(f"/v1/deblur?scale={1 / 3}", content=sent)
    auto = server.client.post("/v1/deblur?scale=auto", content=sent)
    assert form.content == body.content == out.read_bytes()
    assert auto.content == server.client.post("/v1/deblur", content=sent).content != form.content
    job = server.client.post("/v1/jobs?scale=1/3", content=sent).json()
    assert job["scale"] == 1 / 3
    where = f"/v1/jobs/{job['id']}"
    assert finished_job(server.client, where)["scale"] == 1 / 3
    assert server.client.get(f"{where}/result").content == out.read_bytes()


def test_what_needs_nothing_comes_back_byte_for_byte(server: Server, tmp_path: Path) -> None:
    grey = write(tmp_path / "grey.jpg", np.full((70, 90, 3), 128, np.uint8)).read_bytes()
    assert server.client.post("/v1/deblur", content=grey).content == grey


def test_depth_and_alpha_are_kept(server: Server, tmp_path: Path, picture: np.ndarray) -> None:
    rgba = np.dstack([picture, picture[..., 0]]).astype(np.uint16) * 257
    path = write(tmp_path / "photo.png", rgba)
    assert unblur("deblur", path, "-o", tmp_path / "out.png").returncode == 0
    answer = server.client.post("/v1/deblur", content=path.read_bytes())
    assert answer.content == (tmp_path / "out.png").read_bytes()
    refused = server.client.post("/v1/deblur?format=jpeg", content=path.read_bytes())
    assert refused.status_code == 422
    assert refused.json()["detail"] == (
        "the photo has transparency, which JPEG cannot hold; ask for the format png or webp"
    )


def bad() -> dict[str, tuple[Any, int, str]]:
    good = EXAMPLE.read_bytes()
    animated = io.BytesIO()
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (0, 255)]
    frames[0].save(animated, "GIF", save_all=True, append_images=frames[1:])
    heic, avif = io.BytesIO(), io.BytesIO()
    pillow_heif.from_pillow(frames[0]).save(heic)
    exif = Image.Exif()
    exif[271] = "maker"
    frames[0].save(avif, "AVIF", exif=exif)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    return {
        "nothing": ({"content": b""}, 422, "its body is empty"),
        "text": ({"content": b"hello"}, 415, "is not a picture of a format"),
        "svg": ({"content": svg}, 415, "is not a picture"),
        "pdf": ({"content": b"%PDF-1.7 "}, 415, "is not a picture"),
        "url": ({"content": b"http://localhost/a.jpg"}, 415, "is not a picture"),
        "name only": (
            {"files": {"photo": ("a.jpg", b"hello", "image/jpeg")}},
            415,
            "not a picture",
        ),
        "cut": ({"content": good[: len(good) // 2]}, 422, "damaged"),
        "head only": ({"content": good[:64]}, 422, "damaged"),
        "bomb": ({"content": png(30000, 30000)}, 413, "30000x30000 pixels, more than the limit"),
        "heic": ({"content": heic.getvalue().replace(b"hvcC", b"zzzz")}, 422, "damaged"),
        "avif": ({"content": avif.getvalue().replace(b"Exif", b"Ex\x80f")}, 422, "damaged"),
        "animated": ({"content": animated.getvalue()}, 422, "single picture was expected"),
        "raw": ({"content": b"FUJIFILMCCD-RAW " + bytes(99)}, 415, "camera raw"),
        "too long": ({"content": bytes(5 * 2**20)}, 413, "longer than the limit of 4194304 B"),
        "strength": ({"content": good, "params": {"strength": "2"}}, 422, "strength: "),
        "nan": ({"content": good, "params": {"strength": "nan"}}, 422, "strength: "),
        "form's": ({"files": {"a": good}, "data": {"strength": "x"}}, 422, "strength: "),
        "format": ({"content": good, "params": {"format": "bmp"}}, 422, "format: "),
        "best": ({"content": good, "params": {"best": "perhaps"}}, 422, "best: "),
        "scale": (
            {"content": good, "params": {"scale": "2"}},
            422,
            "scale: auto or a number from 1/16 to 1 was expected (0.5, 1/3), not '2'",
        ),
        "form's scale": (
            {"files": {"a": good}, "data": {"scale": "a\nb{c}"}},
            422,
            r"not 'a\nb{c}'",
        ),
        "model": ({"content": good, "params": {"model": "../x"}}, 422, "no model of this name"),
        "no file": ({"data": {"photo": "x"}, "files": {}}, 415, "is not a picture"),
        "two": ({"files": [("a", good), ("b", good)]}, 400, "Too many files"),
        "no form": (
            {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=y"}},
            400,
            "the form cannot be read",
        ),
        "no end": (
            {
                "content": b'--y\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
                + good,
                "headers": {"content-type": "multipart/form-data; boundary=y"},
            },
            422,
            "no file",
        ),
    }


@pytest.mark.parametrize("name", list(bad()))
def test_bad_requests_get_one_line(server: Server, name: str) -> None:
    request, status, message = bad()[name]
    answer = server.client.post("/v1/deblur", **request)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert "--" not in answer.json()["detail"]
    if name not in (
        "cut",
        "head only",
        "bomb",
        "animated",
        "heic",
        "avif",
    ):  # which show when it is read
        assert server.client.post("/v1/jobs", **request).status_code == status
        return
    where = server.client.post("/v1/jobs", **request).headers["location"]
    state = finished_job(server.client, where)
    assert state["state"] == "failed"
    assert message in state["error"]
    result = server.client.get(f"{where}/result")
    assert (result.status_code, result.json()["detail"]) == (422, state["error"])


def test_bombs_take_no_memory(server: Server) -> None:
    def peak() -> int:
        status = Path(f"/proc/{server.process.pid}/status")
        if not status.exists():
            pytest.skip("needs /proc")
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024

    server.client.post("/v1/deblur", content=EXAMPLE.read_bytes())
    before = peak()
    bombs = [png(60000, 60000), png(8, 2**20)]
    for bomb in bombs:
        assert server.client.post("/v1/deblur", content=bomb).status_code == 413
    assert peak() - before < 50 * 2**20


def test_the_rest_of_the_api(server: Server) -> None:
    assert server.client.get("/healthz").json() == {"status": "ok"}
    assert server.client.get("/readyz").json() == {"status": "ready"}
    models = server.client.get("/v1/models").json()["models"]
    assert [(m["name"], m["default"]) for m in models] == [("default", True), ("foreign", False)]
    figures = server.client.get("/metrics").text
    assert "unblur_queue_places 16.0" in figures
    assert "process_resident_memory_bytes" in figures
    described = server.client.get("/openapi.json").json()
    form = described["paths"]["/v1/deblur"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert form["schema"]["properties"]["strength"]["maximum"] == 1
    assert form["schema"]["properties"]["model"]["enum"] == ["default", "foreign"]
    assert form["schema"]["properties"]["best"]["type"] == "boolean"
    assert {"const": "auto"} in form["schema"]["properties"]["scale"]["anyOf"]
    inspect = described["paths"]["/v1/inspect"]["post"]
    form = inspect["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert set(form) == {"photo", "model", "map", "exact"}
    ok = inspect["responses"]["200"]["content"]["application/json"]["schema"]
    assert ok == {"$ref": "#/components/schemas/Inspected"}
    answer = server.client.get("/v1/deblur")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
