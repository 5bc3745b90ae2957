"""Who may ask: by name, by origin, by token. And what every answer carries."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serve.conftest import Network, finished_job
from unblur.serve.app import create_app
from unblur.serve.page import FILES
from unblur.serve.security import API
from unblur.serve.settings import Settings

PATHS = (
    *("/v1/models", "/v1/about", "/v1/jobs/x", "/v1/jobs/x/events", "/v1/jobs/events?ids=x"),
    *("/v1/jobs/x/before.jpg", "/v1/jobs/results.zip?ids=x", "/metrics", "/openapi.json"),
)


@pytest.fixture
def client(network: Network, tmp_path: Path) -> Any:
    @contextmanager
    def made(**settings: Any) -> Iterator[TestClient]:
        given = {"page": False, **settings}
        app = create_app(Settings(jobs=tmp_path / "jobs", **given))
        with TestClient(app, "http://localhost:7860", raise_server_exceptions=False) as client:
            yield client

    return made


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost:7860", True),
        ("LOCALHOST", True),
        ("127.0.0.1:7860", True),
        ("[::1]:7860", True),
        ("192.168.1.5:7860", True),
        ("photos.example", True),
        ("photos.example:443", True),
        ("evil.example", False),
        ("photos.example.evil.example", False),
        ("localhost.evil.example:7860", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
    ],
)
def test_names_that_may_have_been_rebound_are_refused(
    client: Any, host: str, allowed: bool
) -> None:
    with client(allow_host=("photos.example",)) as http:
        answer = http.get("/v1/models", headers={"host": host})
        assert answer.status_code == (200 if allowed else 421)
        # Health checks know no names, and tell nothing.
        assert http.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"origin": "http://localhost:7860"}, True),
        ({"origin": "https://app.example"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://localhost:3000"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://[bad"}, False),
        ({"origin": "http://localhost:7860@evil.example"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
    ],
)
def test_pages_of_other_sites_cannot_post(
    client: Any, png: bytes, headers: dict[str, str], allowed: bool
) -> None:
    with client(allow_origin=("https://app.example",)) as http:
        answer = http.post("/v1/deblur", content=png, headers=headers)
        assert answer.status_code == (200 if allowed else 403)
        shared = answer.headers.get("access-control-allow-origin")
        assert shared == ("https://app.example" if "app" in headers.get("origin", "") else None)
        assert http.delete("/v1/jobs/x", headers=headers).status_code == (404 if allowed else 403)


def test_other_sites_may_ask_first_only_if_they_are_allowed(client: Any) -> None:
    ask = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    with client(allow_origin=("https://app.example",), token="secret") as http:
        good = http.options("/v1/deblur", headers={**ask, "origin": "https://app.example"})
        assert good.status_code == 200
        assert good.headers["access-control-allow-origin"] == "https://app.example"
        bad = http.options("/v1/deblur", headers={**ask, "origin": "https://evil.example"})
        assert "access-control-allow-origin" not in bad.headers


def test_the_token_opens_everything_and_nothing_opens_without(client: Any, png: bytes) -> None:
    def basic(text: str) -> dict[str, str]:
        return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    with client(token="sécret", page=True) as http:
        wrong = [
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": "Bearer"},
            {"authorization": "Bearer "},
            {"authorization": "Digest sécret".encode()},
            {"authorization": "Basic !!"},
            basic("sécret:"),
        ]
        for headers in wrong:
            for path in (*PATHS, "/", "/page/static/page.js", "/nosuch"):
                answer = http.get(path, headers=headers)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"].startswith(
                    "Bearer" if path.startswith(API) else "Basic"
                )
            assert http.post("/v1/deblur", content=png, headers=headers).status_code == 401
            assert http.get("/healthz", headers=headers).status_code == 200
            assert http.get("/readyz", headers=headers).status_code == 200
        for headers in ({"authorization": "Bearer sécret".encode()}, basic("anyone:sécret")):
            assert http.get("/v1/models", headers=headers).status_code == 200
        described = http.get("/openapi.json", headers=basic(":sécret")).json()
        assert described["paths"]["/v1/deblur"]["post"]["security"] == [{"token": []}]
        assert "security" not in described["paths"]["/healthz"]["get"]


def test_every_answer_carries_the_headers_and_no_trace(
    client: Any, png: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("/home/someone/secret.py")

    with client() as http:
        answers = [http.get("/"), http.get("/nosuch"), http.get("/v1/models"), http.put("/v1/jobs")]
        answers += [http.get("/v1/models", headers={"host": "evil.example"})]
        monkeypatch.setattr("unblur.serve.result.CachedResult.encode", broken)
        monkeypatch.setattr("unblur.serve.result.CachedResult.save", broken)
        with caplog.at_level(logging.CRITICAL):
            answers.append(http.post("/v1/deblur", content=png))
            job = http.post("/v1/jobs", content=png).json()["id"]
            state = finished_job(http, f"/v1/jobs/{job}")
            monkeypatch.setattr("unblur.serve.jobs.Jobs.get", broken)
            answers.append(http.get("/v1/jobs/x"))
        assert state["state"] == "failed"
        assert "secret" not in str(state)
        assert [a.status_code for a in answers] == [200, 404, 200, 405, 421, 500, 500]
        for answer in answers:
            assert "secret" not in answer.text
            assert "Traceback" not in answer.text
            assert "server" not in answer.headers
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            policy = answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "http" not in policy
            assert "*" not in policy


def test_the_page_runs_nothing_but_its_own_files(client: Any) -> None:
    with client(page=True) as http:
        page = http.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        policy = dict(
            rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; ")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert "unsafe" not in str(policy)
        for name, kind in FILES.items():
            file = http.get(f"/page/static/{name}")
            assert file.headers["content-type"].startswith(kind)
            assert file.headers["cache-control"] == "no-cache"
        for name in ("__init__.py", "page.html", "..%2fapp.py", "", "nothing.js"):
            assert http.get(f"/page/static/{name}").status_code == 404
    with client() as http:
        assert http.get("/page/static/page.js").status_code == 404


def test_no_name_of_a_client_becomes_a_path(client: Any, tmp_path: Path, png: bytes) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "job.json").write_text("{}")
    with client() as http:
        for name in (
            "../secret",
            "..%2fsecret",
            "%2e%2e/secret",
            ".",
            "0" * 31,
            "0" * 33,
            "A" * 32,
        ):
            for end in ("", "/result", "/before.jpg", "/before/0_0.jpg", "/blur.png"):
                path = f"/v1/jobs/{name}{end}"
                assert http.get(path).status_code in (404, 405)
            assert http.delete(f"/v1/jobs/{name}").status_code in (404, 405)
        files = {"photo": ("../../evil.png", png, "text/x-python")}
        assert http.post("/v1/deblur", files=files).headers["content-disposition"] == (
            'attachment; filename="deblurred.png"'
        )
        assert http.post("/v1/jobs", files=files).status_code == 202
    assert (tmp_path / "secret" / "job.json").exists()
    assert not list(tmp_path.rglob("evil*"))
