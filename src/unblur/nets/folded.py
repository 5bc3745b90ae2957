"""The gated U-Net for inference: constants are multiplied into the convolutions."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from unblur.nets.gated_unet import GatedBlock, GatedUNet, RMSNorm, local_mean

SCALE = 1 / 8
"""The scale of a block that is unfolded; the mean of trained ones is 0.13."""


def folded(net: GatedUNet) -> GatedUNet:
    """A copy of a network that computes the same with fewer operations, for inference only."""
    net = copy.deepcopy(net).eval()
    for level in (net.encoder0, net.encoder1, net.middle, net.decoder1, net.decoder0):
        for index, block in enumerate(level):
            assert isinstance(block, GatedBlock)
            level[index] = FoldedBlock(block)
    return net


def unfolded(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a trainable network that computes what a folded one does.

    The constants that folding has removed are chosen anew: norms' weights 1, their biases 0, scales
    `SCALE`. With scales of 1 an optimiser's steps would change the network many times as much.

    Args:
        weights: of the folded network.
        own: the trainable network's, for their names and shapes.

    Raises:
        KeyError: if one of another kind is missing.
    """
    out = {}
    for name, value in own.items():
        layer, _, kind = name.rpartition(".")
        if kind.startswith("scale"):
            out[name] = torch.full_like(value, SCALE)
        elif layer.endswith(("norm1", "norm2")):
            out[name] = torch.full_like(value, float(kind == "weight"))
        elif layer.endswith(("project1", "project2")):
            out[name] = weights[name] / SCALE
        elif layer.endswith(("expand1", "expand2", "depthwise")):
            out[name] = torch.cat([weights[f"{layer}.{half}.{kind}"] for half in (0, 1)])
        else:
            out[name] = weights[name]
    return out


class FoldedBlock(nn.Module):
    """A `GatedBlock` that computes the same, exactly, in fewer and wider steps.

    The norms' weights and biases go into the convolutions after them, the scales into those before
    them; each convolution whose halves are multiplied becomes two.
    """

    @torch.no_grad()
    def __init__(self, block: GatedBlock) -> None:
        super().__init__()
        self.cell: int = block.cell
        self.expand1: nn.ModuleList = _halves(_after_norm(block.norm1, block.expand1))
        self.depthwise: nn.ModuleList = _halves(block.depthwise)
        self.context: nn.Conv2d = block.context
        self.project1: nn.Conv2d = _scaled(block.project1, block.scale1)
        self.expand2: nn.ModuleList = _halves(_after_norm(block.norm2, block.expand2))
        self.project2: nn.Conv2d = _scaled(block.project2, block.scale2)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        level = _divided_by_rms(x)
        value, gate = (d(e(level)) for d, e in zip(self.depthwise, self.expand1, strict=True))
        y = value * gate
        y = y * F.interpolate(self.context(local_mean(y, self.cell)), scale_factor=self.cell)
        x = x + self.project1(y)
        level = _divided_by_rms(x)
        value, gate = (expand(level) for expand in self.expand2)
        return x + self.project2(value * gate)


def _divided_by_rms(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    # A vector norm is one pass in the engines; a mean of squares would be two.
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x * torch.rsqrt(length * length / x.shape[1] + RMSNorm.epsilon)


def _after_norm(norm: RMSNorm, conv: nn.Conv2d) -> nn.Conv2d:
    weight = conv.weight * norm.weight[None, :, 0, 0, None, None]
    return _with(conv, weight, _bias(conv) + conv.weight[..., 0, 0] @ norm.bias.flatten())


def _scaled(conv: nn.Conv2d, scale: Tensor) -> nn.Conv2d:
    return _with(conv, conv.weight * scale[..., None], _bias(conv) * scale.flatten())


def _halves(conv: nn.Conv2d) -> nn.ModuleList:
    halves = zip(conv.weight.chunk(2), _bias(conv).chunk(2), strict=True)
    return nn.ModuleList(_with(conv, *half) for half in halves)


def _with(conv: nn.Conv2d, weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """The same kind of convolution with other weights; a depthwise one stays depthwise."""
    made = copy.deepcopy(conv)
    made.out_channels = len(weight)
    if made.groups > 1:
        made.groups = made.in_channels = len(weight)
    made.weight, made.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())
    return made


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias
