"""The README's commands run as they stand, in its order, in a folder with what they speak of."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.files import write
from unblur.cli import app
from unblur.losses import LossConfig
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.training import config as configs
from unblur.training.config import DataConfig, PhaseConfig, TrainConfig

README = Path(__file__).parents[1] / "README.md"


def commands() -> list[str]:
    lines = re.findall(r"^    unblur (.*)$", README.read_text(), re.MULTILINE)
    return [line.split("#")[0] for line in lines]


def test_the_readmes_commands_run(
    tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("unblur.serve.run", lambda settings: None)  # which would never end
    for name in ("photo.jpg", "a.jpg", "b.png", "photos/1.jpg", "photos/2.jpg"):
        write(tmp_path / name, np.tile(picture, (3, 3, 1)))
    for name, least in (("SAMPLES", 1), ("STEPS", 1), ("CROP", 32)):
        monkeypatch.setattr(f"unblur.training.blur_head.{name}", least)
    # The real config takes hours; one of its shape takes seconds. At a high rate, so that no two
    # tensors stay equal, which would be merged at export.
    loss = LossConfig(adversarial=0.0, content=0.0)
    config = TrainConfig(
        phases=(PhaseConfig(steps=2, crop=32, lr=0.02, lr_end=0.02, loss=loss),),
        network=GatedUNetConfig((8, 8, 16), (1, 1, 2)),
        data=DataConfig(hold_out_every=2),
    )
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "default.toml").write_text(configs.dumps(config))
    assert len(commands()) >= 9
    for command in commands():
        result = CliRunner().invoke(app, shlex.split(command))
        assert result.exit_code == 0, f"unblur {command}: {result.output}"
