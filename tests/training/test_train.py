from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file

from unblur.blur.config import BlurConfig
from unblur.errors import CheckpointError, Hint, TrainError
from unblur.losses import LossConfig
from unblur.nets import NetworkConfig, build_generator, checkpoint
from unblur.nets.gated_unet import GatedUNetConfig
from unblur.nets.paper import DiscriminatorConfig, PaperConfig
from unblur.training import config as configs
from unblur.training.config import DataConfig, PhaseConfig, TrainConfig
from unblur.training.loop import Progress, train

GATED = GatedUNetConfig((8, 8, 16), (1, 1, 2))
PAPER = PaperConfig(widths=(8, 8, 16), trunk=16, up=(8, 8), blocks=2)
PLAIN = LossConfig(adversarial=0, content=0, pixel=1, gradient=0.1)


def tiny(pairs: Path, **changes: object) -> TrainConfig:
    """Two phases; the second has a discriminator."""
    config = TrainConfig(
        phases=(
            PhaseConfig(steps=3, crop=32, batch=2, lr=1e-3, warmup=2, loss=PLAIN),
            PhaseConfig(
                steps=5, crop=32, discriminator_steps=2, loss=replace(PLAIN, adversarial=0.1)
            ),
        ),
        network=GATED,
        discriminator=DiscriminatorConfig(32, (8, 8)),
        data=DataConfig(dirs=(str(pairs),), hold_out_every=4),
        check_every=2,
        compile="off",  # checked annotations do not compile
    )
    return replace(config, **changes)  # pyright: ignore[reportArgumentType]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "last.safetensors")


def same(a: Path, b: Path) -> bool:
    left, right = weights(a), weights(b)
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


@pytest.mark.parametrize("network", [GATED, PAPER])
def test_resumed_equals_uninterrupted(
    pairs_dir: Path, tmp_path: Path, network: NetworkConfig
) -> None:
    config = tiny(pairs_dir, network=network)
    train(config, tmp_path / "whole", max_steps=6)
    train(config, tmp_path / "parts", max_steps=3)
    assert not same(tmp_path / "whole", tmp_path / "parts")
    train(config, tmp_path / "parts", resume=True, max_steps=6)
    assert same(tmp_path / "whole", tmp_path / "parts")
    states = [
        torch.load(tmp_path / run / "state.pt", weights_only=False)["discriminator"]
        for run in ("whole", "parts")
    ]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_run_folder_has_everything(pairs_dir: Path, tmp_path: Path) -> None:
    config = tiny(pairs_dir)
    result = train(config, tmp_path / "run")
    assert (result.step, result.reason) == (8, "all steps done")
    assert configs.load(tmp_path / "run" / "config.toml") == config
    lines = [json.loads(x) for x in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6, 8]
    assert [line["crops"] for line in lines] == [4, 7, 9, 11]
    assert {"seconds", "lr", "pixel", "gradient", "total", "psnr", "gain"} <= lines[0].keys()
    assert {"adversarial", "discriminator"} <= lines[-1].keys()
    assert result.psnr == max(line["psnr"] for line in lines)
    assert len(list((tmp_path / "run" / "pictures").iterdir())) == 4
    net, _, provenance = checkpoint.load_generator(tmp_path / "run" / "best.safetensors")
    assert not net.training
    assert provenance["crops"] == sum([2, 2, 2, 1, 1, 1, 1, 1][: provenance["step"]])
    assert provenance["data"] == ["pairs"]
    leftovers = [p for p in (tmp_path / "run").iterdir() if p.name.startswith(".")]
    assert leftovers == []


def test_training_learns(pairs_dir: Path, tmp_path: Path) -> None:
    phase = PhaseConfig(steps=60, crop=48, batch=4, lr=2e-3, lr_end=2e-3, loss=PLAIN)
    own = str(pairs_dir / "train")
    data = DataConfig(dirs=(own,), hold_out_every=0, val_dirs=(own,))
    config = tiny(pairs_dir, phases=(phase,), data=data, check_every=60, ema=0.9)
    train(config, tmp_path / "run")
    line = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])
    assert line["gain"] > 0.2


def test_watched_steps_tell_each_terms_gradient_and_train_alike(
    pairs_dir: Path, tmp_path: Path
) -> None:
    train(tiny(pairs_dir), tmp_path / "plain")
    train(tiny(pairs_dir, watch_every=5), tmp_path / "watched")
    lines = [json.loads(x) for x in (tmp_path / "watched" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 5, 6, 8]
    norms = {name: value for name, value in lines[2].items() if name.startswith("gradient of ")}
    assert norms.keys() == {f"gradient of {name}" for name in ("adversarial", "pixel", "gradient")}
    assert min(norms.values()) > 0
    assert 0 < lines[-1]["D(fake)"] < 1
    assert 0 < lines[-1]["D(real)"] < 1
    assert same(tmp_path / "plain", tmp_path / "watched")


def test_init_starts_from_weights_with_a_fresh_optimiser(pairs_dir: Path, tmp_path: Path) -> None:
    config = tiny(pairs_dir)
    train(config, tmp_path / "first", max_steps=2)
    still = tiny(pairs_dir, phases=(replace(config.phases[0], lr=0.0, lr_end=0.0),))
    train(still, tmp_path / "next", init=tmp_path / "first" / "last.safetensors")
    assert same(tmp_path / "first", tmp_path / "next")
    _, _, provenance = checkpoint.load_weights(tmp_path / "next" / "last.safetensors")
    assert provenance["started_from"]["step"] == 2
    other = tiny(pairs_dir, network=GatedUNetConfig((8, 8, 24), (1, 1, 2)))
    with pytest.raises(CheckpointError, match="of another network"):
        train(other, tmp_path / "bad", init=tmp_path / "first" / "last.safetensors")
    with pytest.raises(CheckpointError, match="no such file"):
        train(config, tmp_path / "bad", init=tmp_path / "none.safetensors")


def test_slow_prefixes_learn_slowly(pairs_dir: Path, tmp_path: Path) -> None:
    config = tiny(pairs_dir, slow_prefixes=("tail.bias",), slow=0.0)
    train(config, tmp_path / "run", max_steps=3)
    after = torch.load(tmp_path / "run" / "state.pt", weights_only=False)["generator"]
    torch.manual_seed(config.seed)
    before = build_generator(config.network).state_dict()
    assert {name for name in after if torch.equal(before[name], after[name])} == {"tail.bias"}
    config = tiny(pairs_dir, slow_prefixes=("layer4",))
    with pytest.raises(TrainError, match="no parameter of the generator begins with 'layer4'"):
        train(config, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_frozen_norms_train_with_the_statistics_they_have(pairs_dir: Path, tmp_path: Path) -> None:
    config = tiny(pairs_dir, network=PAPER)
    frozen = replace(config.phases[0], frozen_norm=True)
    train(replace(config, phases=(frozen,)), tmp_path / "run", max_steps=2)
    after = torch.load(tmp_path / "run" / "state.pt", weights_only=False)["generator"]
    torch.manual_seed(config.seed)
    before = build_generator(config.network).state_dict()
    averaged = {name for name in before if "running" in name or "batches" in name}
    assert averaged
    assert {name for name in before if torch.equal(before[name], after[name])} >= averaged
    assert not torch.equal(before["layer3.weight"], after["layer3.weight"])


def test_photos_alone_are_training_data(tmp_path: Path, picture: np.ndarray) -> None:
    from tests.files import write

    for index in range(2):
        write(tmp_path / "photos" / f"{index}.jpg", picture)
    config = tiny(tmp_path / "photos", blur=BlurConfig(max_length=8))
    assert train(config, tmp_path / "run", max_steps=2).step == 2


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(
    pairs_dir: Path, tmp_path: Path
) -> None:
    config = tiny(pairs_dir)
    train(config, tmp_path / "run", max_steps=2)
    before = weights(tmp_path / "run")
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=False)
    state["generator"]["tail.bias"].fill_(torch.nan)
    torch.save(state, tmp_path / "run" / "state.pt")
    with pytest.raises(TrainError, match="step 3: pixel is nan"):
        train(config, tmp_path / "run", resume=True)
    after = weights(tmp_path / "run")
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_patience_ends_the_run(pairs_dir: Path, tmp_path: Path) -> None:
    phase = PhaseConfig(steps=50, crop=32, lr=0.0, lr_end=0.0, loss=PLAIN)
    result = train(tiny(pairs_dir, phases=(phase,), patience=2), tmp_path / "run")
    assert (result.step, result.reason) == (6, "no better validation in 2 checks")


def test_the_time_limit_ends_with_a_checkpoint(pairs_dir: Path, tmp_path: Path) -> None:
    result = train(tiny(pairs_dir), tmp_path / "run", max_seconds=0.01)
    assert (result.step, result.reason) == (1, "the time limit")
    assert weights(tmp_path / "run")
    assert (tmp_path / "run" / "best.safetensors").exists()


def test_a_run_folder_is_not_overwritten(pairs_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").touch()
    with pytest.raises(TrainError, match="not empty") as raised:
        train(tiny(pairs_dir), tmp_path / "taken")
    assert raised.value.hint == Hint("resume")
    with pytest.raises(TrainError, match="nothing to resume"):
        train(tiny(pairs_dir), tmp_path / "none", resume=True)


def test_every_line_of_the_log_is_reported(pairs_dir: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    said: list[str] = []
    config = tiny(pairs_dir, log_every=3)
    train(config, tmp_path / "run", max_steps=7, report=seen.append, say=said.append)
    assert [p.step for p in seen] == [2, 3, 4, 6, 7]
    assert [p.checked for p in seen] == [True, False, True, True, False]
    assert all(0 <= p.wait <= 1 and p.images_per_second > 0 for p in seen)
    lines = [json.loads(x) for x in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["pixel"] for line in lines] == [p.losses["pixel"] for p in seen]
    assert said == ["6 pictures, kept in memory as they are drawn, 6 GiB at most"]


def long_run(pairs: Path, run: Path) -> subprocess.Popen[str]:
    config = tiny(pairs, phases=(PhaseConfig(steps=100_000, crop=32, loss=PLAIN),))
    process = start(config, run)
    wait_for(lambda: (run / "log.jsonl").exists(), process)
    return process


def start(config: TrainConfig, run: Path, *options: str) -> subprocess.Popen[str]:
    """`unblur train`, in a process of its own."""
    path = run.with_suffix(".toml")
    path.write_text(configs.dumps(config))
    command = [sys.executable, "-m", "unblur", "train", path, "--out", run, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(done: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_with_a_checkpoint(
    pairs_dir: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = long_run(pairs_dir, tmp_path / "run")
    process.send_signal(number)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert "stopped by a signal" in out
    assert weights(tmp_path / "run")
    assert torch.load(tmp_path / "run" / "state.pt", weights_only=False)["at"]["step"] >= 2


def test_a_kill_while_writing_leaves_the_last_checkpoint_whole(tmp_path: Path) -> None:
    script = f"""
import os, sys
from pathlib import Path
from unblur.nets import NetworkConfig, build_generator, checkpoint
path = Path({str(tmp_path / "state.pt")!r})
checkpoint.write_whole(path, b"whole")
os.fsync = lambda _: os.kill(os.getpid(), 9)
checkpoint.write_whole(path, b"torn")
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "state.pt").read_bytes() == b"whole"
