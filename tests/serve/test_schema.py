"""schemathesis: whatever the description allows, and much that it does not, gets no 5xx."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.serve.server import Server

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)


def test_the_server_keeps_to_its_description(tmp_path: Path) -> None:
    with Server(tmp_path / "jobs", "--no-page", "--max-jobs", "1000", "--queue", "64") as server:
        command = [Path(sys.executable).with_name("schemathesis"), "run"]
        options = ["--checks", ",".join(CHECKS), "--max-examples", "25", "--seed", "8"]
        # Lists of ids and numbers of tiles are not made from other answers: it would warn of 404s.
        limits = ["--workers", "2", "--no-color", "--warnings", "off"]
        # A busy machine is no fault of the server's.
        limits += ["--request-timeout", "60", "--suppress-health-check", "too_slow"]
        result = subprocess.run(
            [*command, f"{server.url}/openapi.json", *options, *limits],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)},
            check=False,
        )
        assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
        assert "No issues found" in result.stdout
        done = server.client.get("/metrics").text
        assert 'unblur_requests_total{method="POST",route="/v1/deblur",status="200"}' in done
        assert 'unblur_requests_total{method="POST",route="/v1/inspect",status="200"}' in done
        for route in ("result", "events", "again", "{picture}.jpg"):
            assert f'route="/v1/jobs/{{id}}/{route}",status="20' in done
        assert server.process.poll() is None
        assert not [line for line in server.log if "Traceback" in line]
