"""Crosshatch attention: every pixel attends to its own row and its own column."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class CrosshatchAttention(nn.Module):
    """`x + gamma * (row attention + column attention)`.

    1x1 convolutions make queries, keys (C / reduction channels) and values (C channels). The
    softmax runs over the pixels of the same row; the same on the transposed map gives the
    columns. These are two separate softmaxes, as the paper describes it; CCNet (Huang et al.
    2019), from which the channel counts come, has one joint softmax. Logits are not scaled, as in
    both. `gamma` starts at 0, so a new module is the identity.

    Time is O(HW(H + W)); no HW x HW matrix is built.

    Args:
        channels: C of the map that goes in and comes out.
        reduction: how many times fewer channels the queries and keys have.

    Raises:
        ValueError: if `channels` is smaller than `reduction`.
    """

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        if channels < reduction:
            raise ValueError(f"channels ({channels}) must be at least the reduction ({reduction})")
        self.query = nn.Conv2d(channels, channels // reduction, 1)
        # An offset of the keys shifts every logit of a softmax alike: it could never learn.
        self.key = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        q, k, v = self.query(x), self.key(x), self.value(x)
        rows = _attend_along_width(q, k, v)
        columns = _attend_along_width(q.mT, k.mT, v.mT).mT
        return x + self.gamma * (rows + columns)


def _attend_along_width(
    q: Float[Tensor, "b r h w"], k: Float[Tensor, "b r h w"], v: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b c h w"]:
    """Each row is a sequence of w tokens; rows and images are the batch."""
    b, c, h, w = v.shape

    def tokens(x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).reshape(b * h, 1, w, x.shape[1])

    out = F.scaled_dot_product_attention(tokens(q), tokens(k), tokens(v), scale=1.0)
    return out.reshape(b, h, w, c).permute(0, 3, 1, 2)
