"""LPIPS and DISTS against their authors' packages, on a made-up backbone of fixed weights."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torch import nn

from tests.metrics.photos import photos
from unblur import metrics, torchvision_compat
from unblur.errors import MetricError

# lpips 0.1.4, LPIPS(net="alex")(a, b, normalize=True), and DISTS_pytorch 0.1, DISTS()(a, b), each
# with the weights of its package upon the backbone below.
REFERENCE = {
    "lpips": {"blurred": 0.004530652426183224, "noisy": 0.0013416963629424572},
    "dists": {"blurred": 0.006336092948913574, "noisy": 0.0007712244987487793},
}


def made_up(features: nn.Sequential) -> SimpleNamespace:
    """ImageNet's weights cannot be had offline: He's initialisation from a fixed seed."""
    state = np.random.RandomState(0)
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            scale = np.sqrt(2 / layer.weight[0].numel())
            weights = state.standard_normal(tuple(layer.weight.shape)) * scale
            layer.weight.data = torch.tensor(weights, dtype=torch.float32)
            nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
    return SimpleNamespace(features=features)


@pytest.fixture
def torchvision() -> Any:
    try:
        return torchvision_compat.import_torchvision()
    except torchvision_compat.TorchvisionError as error:
        pytest.skip(str(error))


@pytest.fixture
def backbone(monkeypatch: pytest.MonkeyPatch, torchvision: Any) -> None:
    from torchmetrics.functional.image import dists

    whole, vgg = torchvision.models.alexnet, torchvision.models.vgg

    def alexnet(**_: Any) -> SimpleNamespace:
        return made_up(whole(weights=None).features)

    def vgg16(**_: Any) -> SimpleNamespace:
        return made_up(vgg.make_layers(vgg.cfgs["D"]))

    monkeypatch.setattr(torchvision.models, "alexnet", alexnet)
    monkeypatch.setattr(dists, "vgg16", vgg16)


@pytest.mark.usefixtures("backbone")
@pytest.mark.parametrize("name", REFERENCE)
def test_as_the_authors_package(name: str) -> None:
    crops = {kind: image[100:228, 150:310] for kind, image in photos().items()}
    (metric,) = metrics.load([name])
    assert metric.measure(crops["sharp"], crops["sharp"]) == pytest.approx(0, abs=1e-6)
    for kind, value in REFERENCE[name].items():
        assert metric.measure(crops[kind], crops["sharp"]) == pytest.approx(value, abs=1e-6)
    swapped = metric.measure(crops["sharp"][..., ::-1].copy(), crops["sharp"])
    assert swapped > metric.measure(crops["noisy"], crops["sharp"])
    mask = np.ones(crops["sharp"].shape[:2], bool)
    mask[:, 80:] = False
    spoilt = crops["sharp"].copy()
    spoilt[:, 80:] = 255
    assert metric.measure(spoilt, crops["sharp"], mask) == pytest.approx(0, abs=1e-6)
    assert metric.better == "lower"
    assert metric.version.startswith("torchmetrics ")


@pytest.mark.usefixtures("torchvision")
def test_weights_that_cannot_be_had_get_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise URLError("no route")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(MetricError) as caught:
        metrics.load(["lpips"])
    message = str(caught.value)
    assert "no route" in message
    assert "download https://download.pytorch.org/models/alexnet" in message
    assert str(tmp_path / "hub" / "checkpoints") in message


def test_without_torchvision_it_gets_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(MetricError, match=r"dists: a torchvision .*unblur\[metrics"):
        metrics.load(["dists"])
