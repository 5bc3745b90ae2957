from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from unblur.errors import ContentWeightsError, Hint
from unblur.nets import vgg

SHARED = Path(__file__).parents[3] / "shared" / "weights"


def torchvision_like() -> dict[str, torch.Tensor]:
    """Weights under torchvision's names, of VGG-19's shapes up to conv3_3."""
    torch.manual_seed(0)
    shapes = {0: (64, 3), 2: (64, 64), 5: (128, 64), 7: (128, 128),
              10: (256, 128), 12: (256, 256), 14: (256, 256)}  # fmt: skip
    state = {}
    for index, (out, channels) in shapes.items():
        state[f"features.{index}.weight"] = torch.randn(out, channels, 3, 3) * 0.05
        state[f"features.{index}.bias"] = torch.randn(out) * 0.05
    return state


def test_features_are_conv3_3_of_the_normalised_image(tmp_path: Path) -> None:
    state = torchvision_like()
    torch.save(state, tmp_path / "vgg19.pth")
    net = vgg.load("vgg19", str(tmp_path / "vgg19.pth"))
    image = torch.rand(1, 3, 20, 24) * 2 - 1
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    x = ((image + 1) / 2 - mean) / deviation
    for index in (0, 2, 5, 7, 10, 12, 14):
        if index in (5, 10):
            x = F.max_pool2d(x, 2)
        weight, bias = state[f"features.{index}.weight"], state[f"features.{index}.bias"]
        x = F.conv2d(x, weight, bias, padding=1).relu()
    torch.testing.assert_close(net(image), x, atol=1e-5, rtol=1e-4)
    assert not any(p.requires_grad for p in net.parameters())


def test_both_ways_are_said_where_weights_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    (tmp_path / "rubbish.pth").write_bytes(b"rubbish")
    save_file({"other": torch.zeros(1)}, tmp_path / "other.safetensors")
    cases = [("vgg19", ""), ("vgg19-small", ""), ("vgg19", "none.pth"),
             ("vgg19", str(tmp_path / "rubbish.pth")),
             ("vgg19-small", str(tmp_path / "other.safetensors"))]  # fmt: skip
    for network, weights in cases:
        with pytest.raises(ContentWeightsError, match=r"not usable|needs a file") as raised:
            vgg.load(network, weights)
        assert raised.value.hint == Hint("content-weights")
        assert vgg.URL in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the distilled weights are not here")
def test_the_distilled_network_loads_and_sees_blur() -> None:
    net = vgg.load("vgg19-small", str(SHARED / "vgg19_small16x_e4.safetensors"))
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    features = net(image)
    assert features.shape == (1, 64, 16, 16)
    assert (net(F.avg_pool2d(image, 5, 1, 2)) - features).abs().mean() > 0.1 * features.abs().mean()
