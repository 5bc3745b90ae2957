"""What the gated U-Net does cleverly, place by place."""

from __future__ import annotations

import torch
from torch import Tensor

from unblur.nets.gated_unet import SPAN


def mean_around(x: Tensor, cell: int) -> Tensor:
    """Of each cell, the mean of all pixels in the `SPAN` x `SPAN` cells around it that exist."""
    _, _, height, width = x.shape
    rows = []
    for i in range(height // cell):
        top, bottom = max(0, i - SPAN // 2) * cell, (i + SPAN // 2 + 1) * cell
        columns = []
        for j in range(width // cell):
            left, right = max(0, j - SPAN // 2) * cell, (j + SPAN // 2 + 1) * cell
            columns.append(x[..., top:bottom, left:right].mean((-2, -1)))
        rows.append(torch.stack(columns, -1))
    return torch.stack(rows, -2)
