"""Spectra and filters of `nets.spectral`, place by place and filter by filter."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def spectrum(grey: Tensor, top: int, left: int, side: int) -> Tensor:
    """The power spectrum, (horizontal, vertical) frequencies, of one square under a Hann window."""
    window = torch.hann_window(side, periodic=False)
    square = grey[top : top + side, left : left + side] * window[:, None] * window
    return torch.fft.fft2(square)[:, : side // 2 + 1].abs().square().T


def answers(picture: Tensor, bank: Tensor) -> Tensor:
    """What each filter (k, t, t) of a bank makes of each colour of a picture (3, h, w)."""
    half = bank.shape[-1] // 2
    padded = F.pad(picture[None], (half,) * 4, mode="replicate")[0]
    return torch.stack([F.conv2d(colour[None, None], bank[:, None])[0] for colour in padded], 1)
