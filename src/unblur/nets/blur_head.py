"""A small network that measures blur, on the features of the default network at 1/8 of the size."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from unblur.nets.gated_unet import SPAN

RAW = 8
"""Numbers for each cell: the logarithm of the length and its uncertainty, two of the direction, the
logarithm of the radius and its uncertainty, logits of the confidence and of the weight."""


NONE, FULL = (4.0, 2.0), (8.0, 4.0)
"""Extents in pixels (the length of the motion, or the diameter of the defocus) up to which the
change has no share, and from which it is not held back: each in cells without texture, where a few
pixels say nothing, and in cells of sure texture."""
UNSURE, SURE = 0.3, 0.7
"""Confidences between which one pair passes into the other."""


class BlurHead(nn.Module):
    """Measures the blur of cells of 16 x 16 pixels; its input is `GatedUNet.features`.

    Args:
        channels: of the features.
        width: of its own layers.
    """

    def __init__(self, channels: int, width: int = 96) -> None:
        super().__init__()
        self.down: nn.Conv2d = nn.Conv2d(channels, width, 2, stride=2)
        self.layers: nn.ModuleList = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1) for _ in range(3)
        )
        self.context: nn.Conv2d = nn.Conv2d(width, width, 1)
        self.out: nn.Conv2d = nn.Conv2d(width, RAW, 1)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 6 i j"]:
        """The planes of `inference.blur_map.PLANES`."""
        length, _, cosine, sine, radius, _, confidence, weight = self.raw(features).unbind(1)
        length, radius, sure = from_log(length), from_log(radius), confidence.sigmoid()
        share = weight.sigmoid() * blurred(torch.maximum(length, 2 * radius), sure)
        return torch.stack([length, cosine, sine, radius, sure, share], 1)

    def raw(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 8 i j"]:
        """The numbers as they are trained; see `RAW`."""
        length = torch.linalg.vector_norm(features, dim=1, keepdim=True)
        mean = length * length / features.shape[1]
        x = F.gelu(self.down(features * torch.rsqrt(mean + 1e-6)))
        for index, layer in enumerate(self.layers):
            x = x + F.gelu(layer(x))
            if index == 0:
                # Whether anything around is sharp tells a photographer's bokeh from a missed focus.
                near = F.avg_pool2d(x, SPAN, 1, SPAN // 2, count_include_pad=False)
                x = x + F.gelu(self.context(near))
        return self.out(x)


def blurred(extent: Tensor, confidence: Tensor) -> Tensor:
    """0 for extents that are as good as none, 1 for blur; linear in the logarithm between."""
    known = ((confidence - UNSURE) / (SURE - UNSURE)).clamp(0, 1)
    none, full = (unsure + (sure - unsure) * known for unsure, sure in (NONE, FULL))
    return ((to_log(extent) - to_log(none)) / (to_log(full) - to_log(none))).clamp(0, 1)


def to_log(pixels: Tensor) -> Tensor:
    """The logarithm in which lengths and radii are learned: log2(1 + pixels)."""
    return torch.log2(1 + pixels)


def from_log(logarithm: Tensor) -> Tensor:
    """The inverse of `to_log`; 0 at the least."""
    return (torch.exp2(logarithm) - 1).clamp_min(0)
