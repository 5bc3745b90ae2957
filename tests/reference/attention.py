"""Attention along rows and columns as dense, masked HW x HW softmaxes."""

from __future__ import annotations

import torch
from torch import Tensor

from unblur.nets import CrissCrossAttention, CrosshatchAttention


def dense_crosshatch(module: CrosshatchAttention, x: Tensor) -> Tensor:
    """One softmax a direction."""
    row, column = lines(module, x)
    return x + module.gamma * (dense(module, x, row) + dense(module, x, column))


def dense_criss_cross(module: CrissCrossAttention, x: Tensor) -> Tensor:
    """One softmax over whatever is in the row or in the column."""
    row, column = lines(module, x)
    return x + module.gamma * dense(module, x, row | column)


def lines(module: CrosshatchAttention | CrissCrossAttention, x: Tensor) -> tuple[Tensor, Tensor]:
    """Which pixel sees which along its row, and along its column."""
    h, w = x.shape[-2:]
    row = torch.arange(h).repeat_interleave(w)
    column = torch.arange(w).repeat(h)
    reach = h + w if module.reach is None else module.reach
    masks = []
    for line, along in ((row, column), (column, row)):
        near = (along[:, None] - along[None, :]).abs() <= reach
        masks.append((line[:, None] == line[None, :]) & near)
    return masks[0], masks[1]


def dense(module: CrosshatchAttention | CrissCrossAttention, x: Tensor, seen: Tensor) -> Tensor:
    q, k, v = (layer(x).flatten(2) for layer in (module.query, module.key, module.value))
    logits = q.mT @ k  # (b, hw, hw): every pixel against every pixel
    weights = logits.masked_fill(~seen, -torch.inf).softmax(-1)
    return (weights @ v.mT).mT.reshape(x.shape)
