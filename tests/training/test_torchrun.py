"""torchrun, as two machines of one process each, on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from msgspec.structs import replace
from safetensors.torch import load_file

from tests.training.test_distributed import batches_of_both
from tests.training.test_train import PLAIN, tiny
from unblur.nets import checkpoint
from unblur.training import config as configs
from unblur.training.config import PhaseConfig, TrainConfig
from unblur.training.loop import train

# What `unblur` is, but rank one is killed at its fifth step, once.
KILLED = """
import os, signal
from pathlib import Path
from unblur.cli import app
from unblur.training.data import TrainingData
from unblur.training.loop import train

def batch(self, step, size, count, own=TrainingData.batch):
    once = Path(__file__).with_suffix(".once")
    if step == 4 and self.rank == 1 and not once.exists():
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return own(self, step, size, count)

TrainingData.batch = batch
train.__kwdefaults__["save_every"] = 0.0
app(prog_name="unblur")
"""


@pytest.fixture
def port() -> Iterator[int]:
    """Of a store in which the machines meet."""
    store: Any = dist.TCPStore(  # pyright: ignore[reportPrivateImportUsage]
        "127.0.0.1", 0, is_master=True, wait_for_workers=False
    )
    yield store.port
    del store


def two_machines(port: int, program: list[str], restarts: int = 0) -> list[tuple[int, str, str]]:
    """The exit codes and what was printed."""
    how = ["--nnodes", "2", "--nproc-per-node", "1", "--max-restarts", str(restarts)]
    how += ["--monitor-interval", "0.05", "--rdzv-backend", "c10d", "--local-addr", "127.0.0.1"]
    how += ["--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-conf", "is_host=false"]
    command = [sys.executable, "-m", "torch.distributed.run", *how, *program]
    processes = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for _ in range(2)
    ]
    try:
        ends = [process.communicate(timeout=120) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, *said) for process, said in zip(processes, ends, strict=True)]


def small(pairs: Path, steps: int) -> TrainConfig:
    phase = PhaseConfig(steps=steps, crop=32, batch=2, lr=1e-3, loss=PLAIN)
    return tiny(pairs, phases=(phase,), ema=0.0, precision="32-true", log_every=1)


def test_a_killed_rank_is_started_anew_and_the_run_is_that_of_one_process_with_both_batches(
    pairs_dir: Path, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, file, program = small(pairs_dir, 8), tmp_path / "run.toml", tmp_path / "killed.py"
    file.write_text(configs.dumps(config))
    program.write_text(KILLED)
    ran = two_machines(port, [str(program), "train", str(file), "--out", str(tmp_path / "two")], 1)
    assert [code for code, *_ in ran] == [0, 0], ran
    errors = "".join(error for *_, error in ran)
    assert errors.count("exitcode: -9") == 1, errors
    assert "".join(out for _, out, _ in ran).count("\n") == 1
    log = (tmp_path / "two" / "log.jsonl").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == [f'{{"step": {n}' for n in range(1, 9)]
    with monkeypatch.context() as patch:
        batches_of_both(patch)
        train(config, tmp_path / "one")
    _, _, provenance = checkpoint.load_weights(tmp_path / "two" / "last.safetensors")
    assert (provenance["step"], provenance["crops"]) == (8, 2 * 8 * 2)
    two, one = (load_file(tmp_path / x / "last.safetensors") for x in ("two", "one"))
    assert all(torch.allclose(two[name], one[name], atol=1e-5) for name in one)


def test_a_users_error_is_said_once_and_fails_on_every_machine(
    pairs_dir: Path, tmp_path: Path, port: int
) -> None:
    config, file, run = small(pairs_dir, 8), tmp_path / "run.toml", tmp_path / "run"
    train(config, run, max_steps=1)
    before = (run / "state.pt").read_bytes()
    file.write_text(configs.dumps(replace(config, seed=7)))
    program = ["-m", "unblur", "train", str(file), "--out", str(run)]
    ran = two_machines(port, program, restarts=2)
    assert [code for code, *_ in ran] == [1, 1], ran
    lines = [line for *_, error in ran for line in error.splitlines() if line.startswith("unblur:")]
    assert len(lines) == 1, ran
    assert "another seed (0, not 7)" in lines[0]
    assert (run / "state.pt").read_bytes() == before
