"""The recipe of configs/default.toml at toy size: interrupted and resumed, the same weights."""

from __future__ import annotations

import json
import math
import os
import signal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from tests.files import write
from tests.training.test_step import PSNR
from tests.training.test_train import same
from unblur.blur.config import BlurConfig
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.training import config as configs
from unblur.training.config import TrainConfig
from unblur.training.loop import Progress, train

RECIPE = Path(__file__).parents[2] / "configs" / "default.toml"


@pytest.fixture
def recipe(pairs_dir: Path, tmp_path: Path, picture: np.ndarray) -> TrainConfig:
    """On four pairs and three photos; half of the samples are real, so that a batch has both."""
    for index in range(3):
        photo = np.tile(np.roll(picture, 9 * index, axis=0), (2, 2, 1))
        write(tmp_path / "photos" / f"{index}.png", photo)
    config = configs.override(configs.load(RECIPE), [pairs_dir, tmp_path / "photos"], None)
    phase = replace(config.phases[0], steps=8, crop=32, batch=4, warmup=3)
    return replace(
        config, phases=(phase,), network=GatedUNetConfig((8, 8, 8), (1, 1, 1), (1, 1)),
        data=replace(config.data, pair_share=0.5, val_images=2), check_every=4,
        log_every=2, compile="off",
    )  # fmt: skip


def test_the_recipe_is_the_laboratorys() -> None:
    config = configs.load(RECIPE)
    (phase,) = config.phases
    assert phase.loss == PSNR
    assert config.network == GatedUNetConfig()
    assert (config.optimizer, config.betas, config.weight_decay) == ("adamw", (0.9, 0.95), 1e-3)
    assert (phase.lr, phase.lr_end, phase.warmup, phase.batch, phase.crop) == (
        1e-3,
        0,
        500,
        32,
        256,
    )
    assert (config.clip, config.ema, config.data.pair_share) == (1.0, 0.9995, 0.05)
    assert config.blur == BlurConfig()


def test_interrupted_and_resumed_it_ends_with_the_same_weights(
    recipe: TrainConfig, tmp_path: Path
) -> None:
    # In a process of its own, to which it sends a signal.
    process = get_context("spawn").Process(target=interrupted_and_resumed, args=(recipe, tmp_path))
    process.start()
    process.join()
    assert process.exitcode == 0


def interrupted_and_resumed(recipe: TrainConfig, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == 6:
            os.kill(os.getpid(), signal.SIGTERM)

    train(recipe, tmp_path / "whole")
    assert train(recipe, tmp_path / "parts", max_steps=3).reason == "stopped at step 3"
    stopped = train(recipe, tmp_path / "parts", resume=True, report=stop)
    assert (stopped.step, stopped.reason) == (7, "stopped by a signal")
    assert not same(tmp_path / "whole", tmp_path / "parts")
    assert train(recipe, tmp_path / "parts", resume=True).step == 8
    assert same(tmp_path / "whole", tmp_path / "parts")
    whole, parts = (
        torch.load(tmp_path / run / "state.pt", weights_only=False) for run in ("whole", "parts")
    )
    for name in ("generator", "ema"):
        assert all(torch.equal(whole[name][key], parts[name][key]) for key in whole[name])
    assert any(not torch.equal(whole["generator"][key], whole["ema"][key]) for key in whole["ema"])
    lines, others = log(tmp_path / "whole"), log(tmp_path / "parts")
    assert [line["crops"] for line in lines] == [8, 16, 24, 32]
    assert [line["crops"] for line in others] == [8, 12, 16, 24, 28, 32]
    for key in ("lr", "psnr", "gain"):
        assert lines[-1][key] == others[-1][key]


def test_by_the_clock_a_resumed_run_keeps_the_end_that_it_had(
    recipe: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step takes a second of 16; 1,000 steps would take the rate nowhere."""
    phase = replace(recipe.phases[0], steps=1000, warmup=0)
    recipe = replace(recipe, phases=(phase,), check_every=0, log_every=1)
    clock = Clock()
    monkeypatch.setattr("unblur.training.loop.time.monotonic", clock.read)
    monkeypatch.setattr("unblur.training.state.State.average", clock.tick)
    run = tmp_path / "run"
    assert train(recipe, run, max_seconds=16, max_steps=4).step == 4
    clock.now += 1000  # between the two calls
    ended = train(recipe, run, resume=True)
    assert (ended.step, ended.reason) == (16, "the time limit")
    lines = log(run)
    rates = [1e-3 * (1 + math.cos(math.pi * step / 16)) / 2 for step in range(16)]
    assert [line["lr"] for line in lines] == pytest.approx(rates, rel=1e-3)
    assert [line["seconds"] for line in lines] == [*range(1, 17)]


class Clock:
    """Stands still but for a second a step."""

    now = 0.0

    def read(self) -> float:
        return self.now

    def tick(self, state: Any = None) -> None:
        self.now += 1


def log(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
