"""Attention along rows and columns as dense, masked HW x HW softmaxes."""

from __future__ import annotations

import torch
from torch import Tensor

from unblur.nets import CrissCrossAttention, CrosshatchAttention


def dense_crosshatch(module: CrosshatchAttention, x: Tensor) -> Tensor:
    """One softmax a direction."""
    row, column = lines(x)
    return x + module.gamma * (dense(module, x, row) + dense(module, x, column))


def dense_criss_cross(module: CrissCrossAttention, x: Tensor) -> Tensor:
    """One softmax over whatever is in the row or in the column."""
    row, column = lines(x)
    return x + module.gamma * dense(module, x, row | column)


def lines(x: Tensor) -> tuple[Tensor, Tensor]:
    """Which pixels are in the same row, and in the same column."""
    h, w = x.shape[-2:]
    row, column = torch.arange(h).repeat_interleave(w), torch.arange(w).repeat(h)
    return row[:, None] == row, column[:, None] == column


def dense(module: CrosshatchAttention | CrissCrossAttention, x: Tensor, seen: Tensor) -> Tensor:
    q, k, v = (layer(x).flatten(2) for layer in (module.query, module.key, module.value))
    logits = q.mT @ k  # (b, hw, hw): every pixel against every pixel
    weights = logits.masked_fill(~seen, -torch.inf).softmax(-1)
    return (weights @ v.mT).mT.reshape(x.shape)
