"""Attention along rows and columns: crosshatch, the paper's, and criss-cross, CCNet's."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Attention = Literal["crosshatch", "criss-cross", "none"]
"""Two softmaxes over row and column (the paper's), one joint softmax (CCNet's), or nothing."""


def attention(kind: Attention, channels: int) -> nn.Module:
    """The module of a kind; "none" is the identity, so that a network keeps its layers' names."""
    if kind == "none":
        return nn.Identity()
    return (CrosshatchAttention if kind == "crosshatch" else CrissCrossAttention)(channels)


class _LineAttention(nn.Module):
    """The layers that both kinds share, so that their weights are interchangeable."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        if channels < reduction:
            raise ValueError(f"channels ({channels}) must be at least the reduction ({reduction})")
        self.query: nn.Conv2d = nn.Conv2d(channels, channels // reduction, 1)
        # A bias of the keys would shift every logit of a softmax alike, without effect.
        self.key: nn.Conv2d = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.value: nn.Conv2d = nn.Conv2d(channels, channels, 1)
        self.gamma: nn.Parameter = nn.Parameter(torch.zeros(()))


class CrosshatchAttention(_LineAttention):
    """`x + gamma * (row attention + column attention)`.

    1x1 convolutions make queries, keys (C / reduction channels) and values (C channels). Row and
    column have a softmax each, as the paper describes it; CCNet (Huang et al. 2019), from which
    the channel counts come, has a joint one. Logits are not scaled, as in both. `gamma` starts at
    0, so a new module is the identity. Time is O(HW(H + W)); no HW x HW matrix is built.

    Args:
        channels: C of the input and output.
        reduction: ratio of C to the channels of queries and keys.

    Raises:
        ValueError: if `channels` is smaller than `reduction`.
    """

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        q, k, v = self.query(x), self.key(x), self.value(x)
        rows = _attend_along_width(q, k, v)
        columns = _attend_along_width(q.mT, k.mT, v.mT).mT
        return x + self.gamma * (rows + columns)


class CrissCrossAttention(_LineAttention):
    """`x + gamma * attention over row and column together`, CCNet's (Huang et al. 2019, eq. 2).

    One softmax runs over the H + W - 1 pixels of the row and the column; the pixel itself counts
    once. This is one pass; CCNet applies the module twice. Arguments, weights and errors are
    `CrosshatchAttention`'s. It builds the (H + W) logits of every pixel; that one builds none.
    """

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        q, k, v = self.query(x), self.key(x), self.value(x)
        height, width = x.shape[-2:]
        row = torch.einsum("bchw,bchv->bhwv", q, k)
        column = torch.einsum("bchw,bcgw->bhwg", q, k)
        itself = torch.eye(height, dtype=torch.bool, device=x.device)[:, None]
        # In float32 whatever the precision: minus infinity, then a softmax.
        logits = torch.cat([row.float(), column.float().masked_fill(itself, -torch.inf)], -1)
        row, column = logits.softmax(-1).to(v.dtype).split([width, height], -1)
        out = torch.einsum("bhwv,bchv->bchw", row, v) + torch.einsum("bhwg,bcgw->bchw", column, v)
        return x + self.gamma * out


def _attend_along_width(
    q: Float[Tensor, "b r h w"], k: Float[Tensor, "b r h w"], v: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b c h w"]:
    """Each row is a sequence of w tokens; rows and images are the batch."""
    b, c, h, w = v.shape

    def tokens(x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).reshape(b * h, 1, w, x.shape[1])

    out = F.scaled_dot_product_attention(tokens(q), tokens(k), tokens(v), scale=1.0)
    return out.reshape(b, h, w, c).permute(0, 3, 1, 2)
