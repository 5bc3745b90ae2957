"""HEAD, OPTIONS and 405 as HTTP has them; options that are unknown, empty, or given twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.serve.conftest import Live, finished_job
from tests.serve.server import Server

OWN = ("date", "x-process-time")
"""Headers that differ from one answer to the next."""


def test_head_is_get_without_the_body(live: Callable[..., Live], png: bytes) -> None:
    server = live()
    where = server.client.post("/v1/jobs", content=png).headers["location"]
    finished_job(server.client, where)
    paths = ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/models", where)
    for path in (*paths, f"{where}/result", "/v1/jobs/nothing", "/v1/deblur", "/nothing"):
        head, get = server.client.head(path), server.client.get(path)
        assert head.content == b"", path
        assert head.status_code == get.status_code, path
        if path != "/metrics":  # which counts the request itself
            assert kept(head) == kept(get), path
    done = server.client.get("/metrics").text
    assert 'unblur_requests_total{method="HEAD",route="/healthz",status="200"} 1.0' in done
    assert server.client.head("/readyz").status_code == 200
    server.queue.drain()
    assert server.client.head("/readyz").status_code == 503
    assert server.client.head("/healthz").status_code == 200


def kept(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in OWN}


def test_the_pages_files_have_a_head(tmp_path: Path, png: bytes) -> None:
    with Server(tmp_path / "jobs") as server:
        for path in ("/", "/page/static/page.js", "/page/static/logo.svg", "/page/static/nothing"):
            head, get = server.client.head(path), server.client.get(path)
            assert (head.status_code, head.content) == (get.status_code, b""), path
            assert head.headers["content-type"] == get.headers["content-type"]
        for path in ("/", "/page/static/page.js"):
            refused = server.client.post(path)
            assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
            options = server.client.options(path)
            assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD")
        # The body would be a stream of events without end.
        job = server.client.post("/v1/jobs?view=true&keep=60", content=png).json()["id"]
        for path in (f"/v1/jobs/events?ids={job}", f"/v1/jobs/{job}/events"):
            head = server.client.head(path)
            assert head.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert server.client.head("/healthz").status_code == 200
        assert server.stop() == 0
        assert not [line for line in server.log if "Traceback" in line]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
        ("/v1/models", "GET, HEAD"),
        ("/v1/deblur", "POST"),
        ("/v1/inspect", "POST"),
        ("/v1/about", "GET, HEAD"),
        ("/v1/jobs", "POST"),
        ("/v1/jobs/a", "DELETE, GET, HEAD"),
        ("/v1/jobs/a/result", "GET, HEAD"),
        ("/v1/jobs/a/again", "POST"),
        ("/v1/jobs/a/events", "GET, HEAD"),
        ("/v1/jobs/a/before.jpg", "GET, HEAD"),
        ("/v1/jobs/a/after/0_0.jpg", "GET, HEAD"),
    ],
)
def test_other_methods_are_told_which_there_are(
    live: Callable[..., Live], path: str, allowed: str
) -> None:
    server = live()
    options = server.client.options(path)
    assert (options.status_code, options.headers["allow"]) == (204, allowed)
    for method in ("PUT", "PATCH", "TRACE"):
        refused = server.client.request(method, path)
        assert (refused.status_code, refused.headers["allow"]) == (405, allowed), method
        assert refused.json() == {"detail": "Method Not Allowed"}


def multipart(*fields: tuple[str, str]) -> dict[str, Any]:
    """A form with these texts, in their order, after a photo."""
    parts: list[Any] = [(name, (None, value)) for name, value in fields]
    return {"files": parts}


WRONG: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "misspelt": ((("strenght", "0"),), "there is no option 'strenght'; did you mean 'strength'?"),
    "capital": ((("Strength", "0"),), "there is no option 'Strength'; did you mean 'strength'?"),
    "unlike": ((("wxyz", "0"),), "there is no option 'wxyz'; there are model, "),
    "lines": ((("a\nb", "0"),), "there is no option 'a"),
    "long": ((("a" * 999, "0"),), "there is no option 'aaaa"),
    "twice": ((("model", "default"),) * 2, "the option 'model' was given 2 times, not once"),
    "photo": ((("photo", "a.jpg"),), "there is no option 'photo'"),
}


@pytest.mark.parametrize("path", ["/v1/deblur", "/v1/inspect", "/v1/jobs"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_option_is_named(
    live: Callable[..., Live], png: bytes, path: str, name: str
) -> None:
    if path == "/v1/inspect" and "strength" in WRONG[name][1]:
        fields: Any = (("exakt", "1"),)
        said = "there is no option 'exakt'; did you mean 'exact'?"
    else:
        fields, said = WRONG[name]
    server = live()
    form = multipart(*fields)
    form["files"].insert(0, ("picture", ("a.png", png)))
    answers = [
        server.client.post(path, **form),
        server.client.post(path, content=png, params=list(fields)),
        server.client.post(path, files={"picture": png}, params=list(fields)),
    ]
    for answer in answers:
        assert answer.status_code == 422, answer.text
        detail = answer.json()["detail"]
        assert detail.startswith(said)
        assert "\n" not in detail
        assert len(detail) < 200
    assert server.queue.models  # it still runs


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/v1/deblur", "strength", ""),
        ("/v1/deblur", "format", ""),
        ("/v1/jobs", "best", ""),
        ("/v1/jobs", "scale", ""),
        ("/v1/jobs", "keep", "9"),
        ("/v1/jobs", "keep", "inf"),
        ("/v1/jobs", "view", "perhaps"),
        ("/v1/inspect", "map", ""),
        ("/v1/inspect", "exact", "maybe"),
        ("/v1/deblur", "model", ""),
    ],
)
def test_an_empty_or_wrong_value_is_one_line(
    live: Callable[..., Live], png: bytes, path: str, name: str, value: str
) -> None:
    server = live()
    form = multipart((name, value))
    form["files"].append(("photo", ("a.png", png)))
    for answer in (
        server.client.post(path, **form),
        server.client.post(path, content=png, params={name: value}),
    ):
        assert answer.status_code == 422, answer.text
        assert name in answer.json()["detail"]
        assert "\n" not in answer.json()["detail"]
