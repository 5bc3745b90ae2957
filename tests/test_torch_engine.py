"""Checkpoints are models too, where PyTorch is."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from unblur import deblur
from unblur.errors import ModelError
from unblur.inference.deblurrer import Deblurrer
from unblur.nets import PaperGenerator, build_generator, checkpoint
from unblur.nets.paper import PaperConfig
from unblur.torch_engine import TorchNetwork
from unblur.training import config as configs
from unblur.training.config import PhaseConfig, TrainConfig

MODELS = Path(__file__).parents[1] / "models"


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A checkpoint of the paper's generator, small, that changes its input."""
    shape = PaperConfig(widths=(8, 8, 16), trunk=16, up=(8, 8), blocks=2)
    config = TrainConfig(phases=(PhaseConfig(steps=1),), network=shape)
    torch.manual_seed(0)
    net = build_generator(shape)
    torch.nn.init.normal_(net.layer4.weight, std=0.05)  # pyright: ignore
    checkpoint.save_weights(
        tmp_path / "paper.safetensors", net.state_dict(), configs.dumps(config), {}
    )
    return tmp_path / "paper.safetensors"


def test_a_checkpoint_restores_any_size_as_its_network_does(
    paper: Path, picture: np.ndarray
) -> None:
    image = picture[:100, :76]
    net, _, _ = checkpoint.load_generator(paper)
    with torch.no_grad():
        batch = torch.from_numpy(image.copy()).permute(2, 0, 1)[None] / 127.5 - 1
        alone = ((net(batch)[0] + 1) * 127.5).permute(1, 2, 0).numpy()
    deblurrer = Deblurrer(paper, "cpu", precision="f32")
    assert np.abs(deblurrer(image) - alone).max() <= 0.5 + 1e-3
    assert np.abs(alone - image).mean() > 2
    odd = picture[:101, :75]
    assert deblur(odd, model=paper).shape == odd.shape


def test_it_is_pickled_by_its_file(paper: Path, picture: np.ndarray) -> None:
    deblurrer = Deblurrer(paper, "cpu", tile=64)
    again = pickle.loads(pickle.dumps(deblurrer))
    assert np.array_equal(again(picture), deblurrer(picture))
    loose = TorchNetwork(torch.nn.Identity(), lambda x: x, deblurrer.engine.contract, "0")
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Deblurrer(loose))


def test_tiles_of_it_are_what_the_tool_cuts(paper: Path, picture: np.ndarray) -> None:
    seen: list[tuple[int, ...]] = []
    deblurrer = Deblurrer(paper, "cpu", tile=64)
    network = deblurrer.engine

    class Recorder:
        contract, parallel, digest = network.contract, network.parallel, network.digest
        precision, description = network.precision, network.description

        def __call__(self, batch: np.ndarray) -> np.ndarray:
            seen.append(batch.shape)
            return network(batch)

    deblurrer.engine = Recorder()
    assert deblurrer(picture).shape == picture.shape
    assert max(shape[2:] for shape in seen) <= (64, 64)
    assert len(seen) > 1


def test_what_is_no_checkpoint_gets_one_line(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "foreign.safetensors")
    (tmp_path / "rubbish.safetensors").write_bytes(b"not a checkpoint")
    for name, reason in (("foreign", "no network that"), ("rubbish", "not a safetensors file")):
        with pytest.raises(ModelError, match=f"{name}.* {reason}"):
            Deblurrer(tmp_path / f"{name}.safetensors")
    with pytest.raises(ModelError, match="no such file"):
        Deblurrer(tmp_path / "none.safetensors")
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="finds no GPU"):
            Deblurrer(tmp_path / "foreign.safetensors", "gpu")


def test_without_pytorch_the_command_says_what_to_do(paper: Path, tmp_path: Path) -> None:
    script = """
import sys
sys.modules["torch"] = None
from unblur.cli import app
app()
"""
    photo = tmp_path / "a.png"
    photo.touch()
    command = [sys.executable, "-c", script, "deblur", str(photo), "--model", str(paper)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "a checkpoint needs torch (an" in done.stderr
    assert "; pip install 'unblur[train]'" in done.stderr


def test_the_published_paper_network_is_what_this_version_reads() -> None:
    net, _, provenance = checkpoint.load_generator(MODELS / "paper.safetensors")
    assert isinstance(net, PaperGenerator)
    assert provenance["step"] > 0
