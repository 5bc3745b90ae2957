"""A small world in which the documents' commands run: tiny photos, a clip, a network of seconds."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from tests.docs.pages import Line
from tests.docs.rules import appended
from tests.files import write
from tests.foreign import conv_onnx
from tests.serve.conftest import Live, until
from tests.video.clips import write_clip
from unblur import robustness
from unblur.cli import app
from unblur.inference.engine import open_network
from unblur.losses import LossConfig
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.serve.settings import Settings
from unblur.training import config as configs
from unblur.training.config import DataConfig, PhaseConfig, TrainConfig

PHOTOS = ("photo.jpg", "a.jpg", "b.png", "blurred.jpg", "photos/1.jpg", "photos/2.jpg",
          "PHOTOS/1.jpg", "PHOTOS/2.jpg", "large.tif")  # fmt: skip
ADDRESS = "http://127.0.0.1:7860"

# A bundled network is loaded once for all lines.
_opened = functools.cache(open_network)


@pytest.fixture
def world(tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNBLUR_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "isatty", lambda _: False)
    monkeypatch.setattr("unblur.serve.run", lambda settings: None)  # which would never end
    for module in ("inference.deblurrer", "inference.inspector", "serve.models"):
        monkeypatch.setattr(f"unblur.{module}.open_network", _open)
    for name, least in (("SAMPLES", 1), ("STEPS", 1), ("CROP", 32)):
        monkeypatch.setattr(f"unblur.training.blur_head.{name}", least)
    # A tile of a "large" photo in the viewer, and one stress of ten.
    monkeypatch.setattr("unblur.serve.jobs.previews.BASE", 128)
    monkeypatch.setattr("unblur.serve.jobs.previews.TILE", 128)
    measure = functools.partial(robustness.measure, stresses=robustness.STRESSES[:1])
    monkeypatch.setattr(robustness, "measure", measure)
    for name in PHOTOS:
        write(tmp_path / name, np.tile(picture, (5, 4, 1) if "PHOTOS" in name else (2, 3, 1)))
    write_clip(tmp_path / "clip.mp4", count=4)
    write_clip(tmp_path / "clip240fps.mp4", count=60)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "default.toml").write_text(_config())
    for name in ("blur", "sharp"):
        write(tmp_path / "GOPRO_Large" / name / "1.png", picture)
    for name in ("network.onnx", "other.onnx"):
        conv_onnx(tmp_path / name)
    made = World(tmp_path)
    yield made
    made.close()


class World:
    """The folder that lines run in; a server is started when a line first asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: Live | None = None
        self._job = ""

    def unblur(self, line: Line) -> None:
        """Runs a line of `unblur` in this process; it must end well."""
        words, given, out = list(line.words[1:]), None, None
        if "<" in words:
            words, given = _without(words, "<")
        if ">" in words:
            words, out = _without(words, ">")
        words += appended(line.text)  # the last one counts
        data = (self.folder / given).read_bytes() if given else None
        result = CliRunner().invoke(app, words, input=data)
        shown = "" if out else result.output
        assert result.exit_code == 0, f"{line.place}: {line.text}: {result.exception} {shown}"
        if out:
            (self.folder / out).write_bytes(result.stdout_bytes)

    def curl(self, line: Line) -> None:
        """Runs a line of curl against a server of this process; it must be answered well."""
        if not shutil.which("curl"):
            pytest.skip("needs curl")
        words = [
            re.sub(r"3f\.\.\.|a0\.\.\.", self._job, word.replace(ADDRESS, self.url))
            for word in line.words
        ]
        if "3f..." in " ".join(line.words):
            self._wait("blur" if "blur.png" in line.text else "")
        asked = subprocess.run(
            [*words, "-sS", "--fail-with-body", "--max-time", "60"],
            cwd=self.folder, capture_output=True, check=False,
        )  # fmt: skip
        assert asked.returncode == 0, f"{line.place}: {line.text}: {asked.stderr + asked.stdout}"
        if re.search(r"/v1/jobs(/3f\.\.\./again\S*)?$", line.words[-1]):
            self._job = json.loads(asked.stdout)["id"]

    @property
    def url(self) -> str:
        if self._server is None:
            settings = Settings(port=0, jobs=self.folder / "jobs")
            self._server = Live(settings)
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        if self._server:
            httpx.delete(f"{self.url}/v1/jobs/{self._job}")
            self._server.stop()

    def _wait(self, measured: str) -> None:
        """Waits until the job is done, and what is named is measured too."""

        def done() -> bool:
            asked = httpx.get(f"{self.url}/v1/jobs/{self._job}").json()
            assert asked.get("state", "failed") != "failed", f"{self._job}: {asked}"
            return asked["state"] == "done" and (not measured or asked[measured] is not None)

        until(done)


def _open(model: Any, *given: Any, **named: Any) -> Any:
    opens = _opened if str(model).startswith("default") else open_network
    return opens(model, *given, **named)


def _without(words: list[str], sign: str) -> tuple[list[str], str]:
    """Words without a redirection, and the file that it names."""
    at = words.index(sign)
    return words[:at] + words[at + 2 :], words[at + 1]


def _config() -> str:
    """A recipe of the shape of the real one, which takes hours, for seconds.

    At a high rate, so that no two tensors stay equal, which would be merged at export.
    """
    loss = LossConfig(adversarial=0.0, content=0.0)
    config = TrainConfig(
        phases=(PhaseConfig(steps=2, crop=32, lr=0.02, lr_end=0.02, loss=loss),),
        network=GatedUNetConfig((8, 8, 16), (1, 1, 1)),
        data=DataConfig(hold_out_every=2),
    )
    return configs.dumps(config)
