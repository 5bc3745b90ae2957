from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.evaluate.models import doubler_onnx, stretch_onnx, stretched
from unblur import metrics
from unblur.datasets import Dataset, Pair
from unblur.errors import ModelError
from unblur.evaluate.measure import measure
from unblur.evaluate.models import open_candidates
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.engine import open_network
from unblur.inference.inspector import measures_blur
from unblur.torch_engine.foreign import import_spandrel, load_foreign


@pytest.fixture(scope="session")
def spandrel() -> Any:
    try:
        return import_spandrel()
    except ModelError as error:
        pytest.skip(str(error))


def nafnet() -> nn.Module:
    from spandrel.architectures.NAFNet import NAFNet

    torch.manual_seed(0)
    net = NAFNet(img_channel=3, width=8, middle_blk_num=1, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1])
    with torch.no_grad():
        # Untrained, its blocks are switched off by zeros.
        for name, value in net.named_parameters():
            if name.endswith(("beta", "gamma")):
                value.fill_(0.5)
    return net.eval()


def test_a_checkpoint_and_its_onnx_file_get_the_same_row(own: Path, pairs_dir: Path) -> None:
    home = pairs_dir / "train" / "SEQ"
    pairs = [Pair(home / "blur" / f"{i:06d}.png", home / "sharp" / f"{i:06d}.png", str(i))
             for i in range(2)]  # fmt: skip
    with open_candidates([str(own.with_suffix(".onnx")), str(own)], "torch") as models:
        assert ["OpenVINO" in m.about for m in models] == [True, False]
        result = measure(Dataset("pairs", pairs), models, "full", metrics.load(["psnr"]))
    blurred, by_onnx, by_torch = (m["mean"]["psnr"] for m in result["models"])
    assert by_onnx == pytest.approx(by_torch, abs=0.01)
    assert abs(by_onnx - blurred) > 0.1


def test_the_default_does_what_deblurring_does(picture: np.ndarray) -> None:
    """With all that it measures: how much is changed, and at which scale."""
    image = np.tile(picture, (3, 3, 1))
    deblurrer = Deblurrer("default", "cpu", precision="f32", tile=1280)
    with open_candidates(["default"]) as (model,):
        assert np.array_equal(model.restore(image), deblurrer(image))
    network = open_network("default", "cpu", "f32")
    assert network.contract == deblurrer.engine.contract
    assert measures_blur(network)
    batch = np.zeros((1, 3, 96, 96), np.float32)
    restored, blur = network.with_blur(batch)
    np.testing.assert_allclose(restored, network(batch), atol=1e-4)
    np.testing.assert_allclose(blur, network.blur(batch), rtol=1e-3, atol=1e-3)


def test_a_nafnet_of_others_does_what_it_does_alone(
    tmp_path: Path, picture: np.ndarray, spandrel: Any
) -> None:
    net, path = nafnet(), tmp_path / "net.pth"
    weights = net.state_dict()
    for wrapped in (weights, {"state_dict": weights}, {"params": weights}):
        torch.save(wrapped, path)
        assert load_foreign(path).architecture == "NAFNet"
    image = picture[:75, :101]
    with torch.no_grad():
        batch = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
        alone = net(batch).clamp(0, 1)[0].permute(1, 2, 0).numpy() * 255
    with open_candidates([str(path)], trust=True) as (model,):
        assert "NAFNet" in model.about
        restored = model.restore(image)
        parameters, gmacs = model.count()
    assert np.abs(restored - alone).max() <= 0.5 + 1e-3
    assert np.abs(restored.astype(int) - image).mean() > 2
    assert parameters == sum(p.numel() for p in net.parameters())
    assert gmacs is not None
    assert gmacs > 0.1


def test_restormer_is_recognised(tmp_path: Path, picture: np.ndarray, spandrel: Any) -> None:
    pytest.importorskip("spandrel_extra_arches", reason="Restormer needs spandrel_extra_arches")
    from spandrel_extra_arches.architectures.Restormer import Restormer

    net = Restormer(dim=8, num_blocks=[1, 1, 1, 1], num_refinement_blocks=1, heads=[1, 1, 1, 1])
    torch.save({"params": net.state_dict()}, tmp_path / "net.pth")
    with open_candidates([str(tmp_path / "net.pth")], trust=True) as (model,):
        assert "Restormer" in model.about
        assert model.restore(picture[:50, :70]).shape == (50, 70, 3)


@pytest.mark.parametrize("side", [None, 64])
def test_an_onnx_file_of_others(tmp_path: Path, picture: np.ndarray, side: int | None) -> None:
    """Range and size are found out; a network without context is the same in every tile."""
    path = stretch_onnx(tmp_path / "stretch.onnx", side)
    image = np.tile(picture, (3, 2, 1))[:250, :199]
    with open_candidates([str(path)], tile=192) as (model,):
        assert "images in 0..1" in model.about
        assert np.array_equal(model.restore(image), stretched(image))


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("exploded"),)


def test_what_is_no_model_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spandrel: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.pth").write_text("no weights")
    Path("text.safetensors").write_text("no weights")
    Path("text.onnx").write_text("no network")
    torch.save(Bomb(), "bomb.pth")
    torch.save({"a.weight": torch.zeros(3)}, "unknown.pth")
    from spandrel.architectures.SPAN import SPAN

    torch.save(
        SPAN(num_in_ch=3, num_out_ch=3, feature_channels=8, upscale=2).state_dict(), "double.pth"
    )
    doubler_onnx(Path("double.onnx"))
    reasons = {
        "missing.pth": "no such file",
        "nosuch": "no model 'nosuch'",
        "text.pth": "no weights can be read",
        "text.safetensors": "not a safetensors file",
        "text.onnx": "not an ONNX network",
        "bomb.pth": "more than weights",
        "unknown.pth": "no network that spandrel",
        "double.pth": "2 times the size",
        "double.onnx": "the same was expected",
    }
    for name, reason in reasons.items():
        with pytest.raises(ModelError, match=reason) as caught, open_candidates([name], trust=True):
            pass
        assert "\n" not in str(caught.value)
    assert not Path("exploded").exists()
    with pytest.raises(ModelError, match="a pickle"), open_candidates(["unknown.pth"]):
        pass


@pytest.mark.parametrize("missing", ["spandrel", "torchvision"])
def test_without_spandrel_or_what_it_needs_its_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    (tmp_path / "net.pth").touch()
    with (
        pytest.raises(ModelError, match=r"unblur\[compare\]"),
        open_candidates([str(tmp_path / "net.pth")], trust=True),
    ):
        pass
