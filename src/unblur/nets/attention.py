"""Attention along rows and columns: crosshatch, the paper's, and criss-cross, CCNet's."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

KINDS = ("crosshatch", "criss-cross", "none")
"""What `attention` makes."""


Attention = Literal["crosshatch", "criss-cross", "none"]
"""Two softmaxes over row and column (the paper's), one joint softmax (CCNet's), or nothing."""


def attention(kind: str, channels: int, reduction: int = 8, reach: int | None = None) -> nn.Module:
    """The module of a kind; `none` is the identity, so that a network keeps its layers' names.

    Args:
        kind: one of `KINDS`.
        channels, reduction, reach: as `CrosshatchAttention` takes them.

    Raises:
        ValueError: for any other kind, and as `CrosshatchAttention`.
    """
    if kind == "none":
        return nn.Identity()
    if kind not in KINDS:
        raise ValueError(f"attention must be one of {', '.join(KINDS)}, not {kind!r}")
    module = CrosshatchAttention if kind == "crosshatch" else CrissCrossAttention
    return module(channels, reduction, reach)


class _LineAttention(nn.Module):
    """The layers that both kinds share, so that their weights are interchangeable."""

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


class CrosshatchAttention(_LineAttention):
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

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        q, k, v = self.query(x), self.key(x), self.value(x)
        rows = _attend_along_width(q, k, v, self.reach)
        columns = _attend_along_width(q.mT, k.mT, v.mT, self.reach).mT
        return x + self.gamma * (rows + columns)


class CrissCrossAttention(_LineAttention):
    """`x + gamma * attention over row and column together`, CCNet's (Huang et al. 2019, eq. 2).

    As `CrosshatchAttention`, but one softmax runs over the H + W - 1 pixels of the row and the
    column, so that the two compete for the same weight; the pixel itself counts once. This is one
    pass; CCNet applies the module twice.

    Takes the same arguments, has the same weights and raises the same errors. It builds the
    (H + W) logits of every pixel, where crosshatch attention builds none.
    """

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        q, k, v = self.query(x), self.key(x), self.value(x)
        height, width = x.shape[-2:]
        row = torch.einsum("bchw,bchv->bhwv", q, k)
        column = torch.einsum("bchw,bcgw->bhwg", q, k)
        # In float32 whatever the precision: minus infinity, then a softmax.
        row = row.float().masked_fill(~_near(x, -1, self.reach), -torch.inf)
        vertical = _near(x, -2, self.reach)
        itself = torch.eye(height, dtype=torch.bool, device=x.device)
        column = column.float().masked_fill((~vertical | itself)[:, None], -torch.inf)
        weights = torch.cat([row, column], -1).softmax(-1).to(v.dtype)
        row, column = weights.split([width, height], -1)
        out = torch.einsum("bhwv,bchv->bchw", row, v) + torch.einsum("bhwg,bcgw->bchw", column, v)
        return x + self.gamma * out


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

    near = None if reach is None else _near(v, -1, reach)
    out = F.scaled_dot_product_attention(tokens(q), tokens(k), tokens(v), near, scale=1.0)
    return out.reshape(b, h, w, c).permute(0, 3, 1, 2)


def _near(x: Float[Tensor, "b c h w"], axis: int, reach: int | None) -> Bool[Tensor, "n n"]:
    """Which places of a line along the axis see which."""
    length = x.shape[axis]
    place = torch.arange(length, device=x.device)
    distance = (place[:, None] - place).abs()
    return distance <= (length if reach is None else reach)
