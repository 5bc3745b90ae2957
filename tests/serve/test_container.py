"""The Dockerfile and the compose file say what the server does: they are parsed, and what they run
is run here."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from tests.serve.server import Server
from unblur.serve.settings import Settings

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, with continued lines joined and comments left out."""
    lines = [
        line
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines()]  # pyright: ignore


def last(name: str) -> str:
    return [text for instruction, text in instructions() if instruction == name][-1]


def environment() -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(last("ENV")))


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_the_image_is_what_was_promised() -> None:
    known = {"FROM", "ARG", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "ENV", "EXPOSE",
             "HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT"}  # fmt: skip
    assert {name for name, _ in instructions()} <= known
    assert int(last("USER")) > 0
    assert json.loads(last("ENTRYPOINT")) == ["unblur", "serve"]
    assert last("EXPOSE") == environment()["UNBLUR_PORT"]
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    copied = [word for name, text in instructions() if name == "COPY" for word in text.split()[:-1]]
    allowed = (ROOT / ".dockerignore").read_text()
    for word in copied:
        if not word.startswith(("--from", "/")):
            assert (ROOT / word).exists()
            assert f"!{word}\n" in allowed


def test_its_environment_is_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    from unblur.cli import app

    given: list[Settings] = []
    monkeypatch.setattr("unblur.serve.run", given.append)
    service = compose()["services"]["unblur"]
    blank = dict.fromkeys(service["environment"], "")
    result = CliRunner().invoke(app, ["serve"], env={**environment(), **blank})
    assert result.exit_code == 0, result.output
    (settings,) = given
    assert settings == Settings(host="0.0.0.0", port=7860, jobs=Path("/data/jobs"))
    assert str(settings.jobs).startswith(last("VOLUME") + "/")
    # Every variable of theirs is an option's.
    options = CliRunner().invoke(app, ["serve", "--help"]).output
    for name in {*environment(), *blank}:
        if name.startswith("UNBLUR_"):
            assert "--" + name.removeprefix("UNBLUR_").lower().replace("_", "-") in options


def test_the_services_promises_hold() -> None:
    service = compose()["services"]["unblur"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    (port,) = service["ports"]
    assert port == f"127.0.0.1:7860:{environment()['UNBLUR_PORT']}"
    (volume,) = service["volumes"]
    name, place = volume.split(":")
    assert name in compose()["volumes"]
    assert place == last("VOLUME")
    assert any(mount.startswith("/tmp") for mount in service["tmpfs"])
    grace = int(service["stop_grace_period"].removesuffix("s"))
    assert grace > Settings().stop_seconds


def test_the_health_check_tells_the_living_from_the_dead(tmp_path: Path) -> None:
    command = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    assert command[0] == "python"
    with Server(tmp_path / "jobs", "--no-page", "--token", "secret") as server:
        env = {**os.environ, "UNBLUR_PORT": str(server.port)}

        def check() -> int:
            run = subprocess.run(
                [sys.executable, *command[1:]], env=env, capture_output=True, check=False
            )
            return run.returncode

        assert check() == 0
        server.kill()
        assert check() == 1


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs to mount")
def test_a_read_only_file_system_is_enough() -> None:
    # What Python runs from may lie under /tmp: there it is seen again, and cannot be written to.
    places = [Path(place) for place in (ROOT, sys.prefix, sys.base_prefix, *sys.path)]
    both = {name for place in places for name in (place.absolute(), place.resolve())}
    hidden = sorted(str(name) for name in both if name.is_relative_to("/tmp") and name.is_dir())
    script = """
        mount --rbind / /mnt && mount -t tmpfs tmp /tmp 2> /dev/null || exit 99
        set -e
        program=$1; shift
        for place; do mkdir -p "$place"; mount --bind -o ro "/mnt$place" "$place"; done
        umount -l /mnt
        mkdir /tmp/data; mount -t tmpfs data /tmp/data
        mount -o remount,bind,ro / || exit 99
        for place in / "$@"; do
            if touch "$place" 2> /dev/null; then echo "$place is writable" >&2; exit 1; fi
        done
        exec "$0" -c "$program"
    """
    program = """
import subprocess, sys, urllib.request as u
command = [sys.executable, "-m", "unblur", "serve", "--port", "0", "--jobs", "/tmp/data/jobs"]
server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
try:
    url = server.stderr.readline().split()[1]
    photo = sys.stdin.buffer.read()
    ask = lambda path: u.urlopen(u.Request(url + path, photo), timeout=60).read()
    assert ask("/v1/deblur")[:3] == b"\\xff\\xd8\\xff"
    assert b'"state":' in ask("/v1/jobs")
    assert b"<html" in u.urlopen(url, timeout=60).read()
    server.terminate()
    assert server.wait(60) == 0
finally:
    server.kill()
"""
    result = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, sys.executable, program, *hidden],
        input=(ROOT / "examples" / "text_motion.jpg").read_bytes(),
        capture_output=True,
        check=False,
        timeout=120,
        cwd="/",
        env={**os.environ, "HOME": "/tmp", "TMPDIR": "/tmp"},
    )
    if result.returncode == 99 or b"unshare" in result.stderr:
        pytest.skip("may not mount here")
    assert result.returncode == 0, result.stderr.decode()
