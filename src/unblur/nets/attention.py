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

    With a reach, a pixel attends to its row and column up to that distance only, so that it sees
    the same surroundings in a crop, a tile and a whole photo. The paper has none.

    Time is O(HW(H + W)); no HW x HW matrix is built.

    Args:
        channels: C of the map that goes in and comes out.
        reduction: how many times fewer channels the queries and keys have.
        reach: largest distance, in pixels of the map; without it, all of the row and column.

    Raises:
        ValueError: if `channels` is smaller than `reduction`.
    """

    def __init__(self, channels: int, reduction: int = 8, reach: int | None = None) -> None:
        super().__init__()
        if channels < reduction:
            raise ValueError(f"channels ({channels}) must be at least the reduction ({reduction})")
        self.reach = reach
        self.query = nn.Conv2d(channels, channels // reduction, 1)
        # An offset of the keys shifts every logit of a softmax alike: it could never learn.
        self.key = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        q, k, v = self.query(x), self.key(x), self.value(x)
        rows = _attend_along_width(q, k, v, self.reach)
        columns = _attend_along_width(q.mT, k.mT, v.mT, self.reach).mT
        return x + self.gamma * (rows + columns)


def _attend_along_width(
    q: Float[Tensor, "b r h w"],
    k: Float[Tensor, "b r h w"],
    v: Float[Tensor, "b c h w"],
    reach: int | None,
) -> Float[Tensor, "b c h w"]:
    """Each row is a sequence of w tokens; rows and images are the batch."""
    b, c, h, w = v.shape

    def tokens(x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).reshape(b * h, 1, w, x.shape[1])

    near = None
    if reach is not None:
        place = torch.arange(w, device=v.device)
        near = (place[:, None] - place).abs() <= reach
    out = F.scaled_dot_product_attention(tokens(q), tokens(k), tokens(v), near, scale=1.0)
    return out.reshape(b, h, w, c).permute(0, 3, 1, 2)
