from __future__ import annotations

from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file

from tests.training.test_train import PLAIN, start, tiny, wait_for
from unblur.nets import checkpoint
from unblur.training.config import PhaseConfig
from unblur.training.data import TrainingData
from unblur.training.loop import train

TWO = ("--processes", "2")


def batches_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process trains with the batches that two ranks have."""
    own = TrainingData.batch

    def batch(self: TrainingData, step: int, size: int, count: int) -> tuple[torch.Tensor, ...]:
        parts = []
        for self.rank in (0, 1):
            parts.append(own(self, step, size, count))
        return tuple(torch.cat(side) for side in zip(*parts, strict=True))

    monkeypatch.setattr(TrainingData, "batch", batch)


def test_two_processes_are_one_with_the_batches_of_both(
    pairs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phase = PhaseConfig(steps=3, crop=32, batch=2, lr=1e-3, loss=PLAIN)
    # Not in bf16, which a processor may have, and whose rounding is a hundred times the tolerance.
    config = tiny(pairs_dir, phases=(phase,), ema=0.0, precision="32-true")
    process = start(config, tmp_path / "two", *TWO)
    train(config, tmp_path / "alone")
    batches_of_both(monkeypatch)
    train(config, tmp_path / "one")
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    # The first one speaks and writes for both.
    assert out.count("\n") == 1
    assert [line.split()[1] for line in error.splitlines()[1:]] == ["2/3", "3/3"]
    _, _, provenance = checkpoint.load_weights(tmp_path / "two" / "last.safetensors")
    assert provenance["crops"] == 2 * 3 * 2
    two, one, alone = (
        load_file(tmp_path / x / "last.safetensors") for x in ("two", "one", "alone")
    )
    assert all(torch.allclose(two[name], one[name], atol=1e-5) for name in one)
    assert not all(torch.allclose(two[name], alone[name], atol=1e-5) for name in one)


def test_what_one_process_cannot_read_ends_both_with_one_line(
    pairs_dir: Path, tmp_path: Path
) -> None:
    """With a discriminator, which has two passes a step."""
    config = tiny(pairs_dir, watch_every=5)
    phase = replace(config.phases[1], steps=100_000)
    data = replace(config.data, cache_gib=0.0)
    config = replace(config, phases=(phase,), data=data)
    process = start(config, tmp_path / "run", *TWO)
    wait_for(lambda: (tmp_path / "run" / "log.jsonl").exists(), process)
    # The four pairs less the one that is held out: each process draws another one.
    next((pairs_dir / "train").rglob("blur/000001.png")).write_bytes(b"torn")
    out, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    said = [line for line in error.splitlines()[1:] if not line.startswith("step")]
    assert len(said) == 1, error
    assert "000001.png" in said[0]
