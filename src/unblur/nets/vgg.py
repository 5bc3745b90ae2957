"""Networks whose features the content loss compares: VGG-19 and a distilled one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unblur.errors import ContentWeightsError, Hint

URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
"""torchvision's VGG-19 weights (BSD-3-Clause); the name ends with the start of its SHA-256."""

# The 3x3 convolutions up to conv3_3 by their names in the distilled files (Wang et al. 2020), with
# their names in torchvision's and their numbers of filters. Pooling follows conv12 and conv22.
_LAYERS = {
    "conv11": ("features.0", 64),
    "conv12": ("features.2", 64),
    "conv21": ("features.5", 128),
    "conv22": ("features.7", 128),
    "conv31": ("features.10", 256),
    "conv32": ("features.12", 256),
    "conv33": ("features.14", 256),
}


class VGGFeatures(nn.Module):
    """VGG-19 up to conv3_3 after ReLU, the layer of DeblurGAN; frozen.

    Images of (b, 3, h, w) in [-1, 1] become (b, 256 or 64, h / 4, w / 4) feature maps. The input is
    normalised with ImageNet's mean and deviation; the distilled network has a 1x1 convolution for
    that, and pads by reflection.

    Args:
        small: the distilled network, of 16 times fewer filters (Collaborative Distillation).
    """

    def __init__(self, small: bool = False) -> None:
        super().__init__()
        self.name = "vgg19-small" if small else "vgg19"
        mode = "reflect" if small else "zeros"
        self.normalise: nn.Conv2d = nn.Conv2d(3, 3, 1)
        self.layers: nn.Sequential = nn.Sequential()
        channels = 3
        for name, (_, filters) in _LAYERS.items():
            before, channels = channels, filters // 4 if small else filters
            conv = nn.Conv2d(before, channels, 3, padding=1, padding_mode=mode)
            self.layers.add_module(name, conv)
            self.layers.append(nn.ReLU())
            if name in ("conv12", "conv22"):
                self.layers.append(nn.MaxPool2d(2))
        self.requires_grad_(False)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c i j"]:
        return self.layers(self.normalise((image + 1) / 2))


def load(network: str, weights: str = "") -> VGGFeatures:
    """The content network `vgg19` or `vgg19-small` with its weights.

    Args:
        weights: a .pth or .safetensors file of either network, which overrides `network`; by
            default, for `vgg19` only, torchvision's file is fetched by URL and checked against its
            SHA-256.

    Raises:
        ContentWeightsError: if the weights can be neither read nor fetched.
    """
    hint = Hint("content-weights")
    ways = (
        f'download {URL}, or set content_network = "vgg19-small" and take its file, or set the '
        "content weight to 0"
    )
    if network == "vgg19-small" and not weights:
        raise ContentWeightsError(f"vgg19-small needs a file: {ways}", hint=hint)
    try:
        if weights:
            state = _read(Path(weights))
        else:
            state = torch.hub.load_state_dict_from_url(URL, map_location="cpu", check_hash=True)
        small = "conv11.weight" in state
        net = VGGFeatures(small)
        net.load_state_dict(_rename(state, small))
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        what = weights or "VGG-19's weights"
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ContentWeightsError(f"{what}: not usable ({reason[0]}); {ways}", hint=hint) from None
    return net.eval()


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise OSError("no such file")
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise ValueError(str(error)) from None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - what is no pickle fails in any way
        raise ValueError(f"{type(error).__name__} while unpickling") from None


def _rename(state: dict[str, Any], small: bool) -> dict[str, Tensor]:
    if small:
        weight, bias = state["conv0.weight"], state["conv0.bias"]
    else:
        # (x - mean) / deviation as a 1x1 convolution.
        mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
        weight, bias = torch.diag(1 / deviation)[:, :, None, None], -mean / deviation
    renamed = {"normalise.weight": weight, "normalise.bias": bias}
    for name, (torchvision, _) in _LAYERS.items():
        for part in ("weight", "bias"):
            renamed[f"layers.{name}.{part}"] = state[f"{name if small else torchvision}.{part}"]
    return renamed
