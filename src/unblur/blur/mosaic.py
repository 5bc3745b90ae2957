"""The sensor's colour filters: one colour a pixel, and the two others guessed."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from unblur.config import BlurConfig


def sample_balances(
    batch: int, rest: Bool[Tensor, " b"], config: BlurConfig, generator: torch.Generator
) -> Float[Tensor, "b 2"]:
    """White balance gains of red and blue; 0 for samples that have no mosaic."""
    has = (torch.rand(batch, generator=generator) < config.bayer_share) & ~rest
    return (1.2 + 1.2 * torch.rand(batch, 2, generator=generator)) * has[:, None]


def to_mosaic(
    light: Float[Tensor, "b 3 h w"], balance: Float[Tensor, "b 2"]
) -> Float[Tensor, "b 3 h w"]:
    """What an RGGB sensor measures, the three channels of a pixel all holding its one value.

    Red and blue are divided by their gains, for the sensor sees them weaker. Samples without a
    mosaic (gains of 0) stay as they are.
    """
    out = light.clone()
    for index in _with_mosaic(balance):
        scaled = light[index] * _gains(balance[index]).reciprocal()
        out[index] = (scaled * _bayer(scaled)).sum(0)
    return out


def demosaic(
    raw: Float[Tensor, "b 3 h w"], balance: Float[Tensor, "b 2"]
) -> Float[Tensor, "b 3 h w"]:
    """Colours from the mosaic by the linear filters of Malvar, He and Cutler (2004), balanced."""
    out = raw.clone()
    for index in _with_mosaic(balance):
        value = raw[index, :1]
        filters = raw.new_tensor(_MALVAR).view(4, 1, 5, 5) / 16
        padded = F.pad(value[None], (2, 2, 2, 2), mode="reflect")
        green, row, column, cross = F.conv2d(padded, filters)[0]
        red_at, green_at, blue_at = _bayer(raw[index]).bool()
        on_red_row = red_at.any(1, keepdim=True)
        v = value[0]
        along, across = torch.where(on_red_row, row, column), torch.where(on_red_row, column, row)
        red = torch.where(red_at, v, torch.where(blue_at, cross, along))
        blue = torch.where(blue_at, v, torch.where(red_at, cross, across))
        rgb = torch.stack([red, torch.where(green_at, v, green), blue])
        out[index] = rgb * _gains(balance[index])
    return out


def _with_mosaic(balance: Float[Tensor, "b 2"]) -> list[int]:
    return torch.nonzero(balance[:, 0]).flatten().tolist()


def _gains(balance: Float[Tensor, " 2"]) -> Float[Tensor, "3 1 1"]:
    return torch.stack([balance[0], torch.ones_like(balance[0]), balance[1]])[:, None, None]


def _bayer(like: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
    """1 where a pixel measures the channel: RG in even rows, GB in odd ones."""
    pattern = torch.zeros_like(like)
    pattern[0, ::2, ::2] = pattern[1, ::2, 1::2] = pattern[1, 1::2, ::2] = 1
    pattern[2, 1::2, 1::2] = 1
    return pattern


# fmt: off
# Times 16: green at red and blue; the row's colour at green; the column's; the other at red, blue.
_MALVAR = (
    0, 0, -2, 0, 0, 0, 0, 4, 0, 0, -2, 4, 8, 4, -2, 0, 0, 4, 0, 0, 0, 0, -2, 0, 0,
    0, 0, 1, 0, 0, 0, -2, 0, -2, 0, -2, 8, 10, 8, -2, 0, -2, 0, -2, 0, 0, 0, 1, 0, 0,
    0, 0, -2, 0, 0, 0, -2, 8, -2, 0, 1, 0, 10, 0, 1, 0, -2, 8, -2, 0, 0, 0, -2, 0, 0,
    0, 0, -3, 0, 0, 0, 4, 0, 4, 0, -3, 0, 12, 0, -3, 0, 4, 0, 4, 0, 0, 0, -3, 0, 0,
)
# fmt: on
