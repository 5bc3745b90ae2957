"""The sensor's colour filters (Bayer, RGGB) and demosaicing."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from unblur.blur.part import apply, carry


def to_mosaic(
    light: Float[Tensor, "b 3 h w"], balance: Float[Tensor, "b 2"]
) -> Float[Tensor, "b 3 h w"]:
    """What an RGGB sensor measures; the three channels of a pixel all hold its one value.

    Red and blue are divided by their gains. Samples without a mosaic (gains of 0) are unchanged.
    `balance` is on the host.
    """

    def filtered(light: Tensor, gains: Tensor) -> Tensor:
        return (light / gains * _bayer(light)).sum(1, keepdim=True).expand_as(light)

    return apply(light, balance[:, 0] > 0, filtered, _gains(balance))


def demosaic(
    raw: Float[Tensor, "b 3 h w"], balance: Float[Tensor, "b 2"]
) -> Float[Tensor, "b 3 h w"]:
    """Demosaics by Malvar, He and Cutler's linear filters (2004) and applies the gains."""

    def colours(raw: Tensor, gains: Tensor) -> Tensor:
        v = raw[:, 0]
        padded = F.pad(raw[:, :1], (2, 2, 2, 2), mode="reflect")
        filters = carry(torch.tensor(_MALVAR).view(4, 1, 5, 5) / 16, raw.device)
        green, row, column, cross = F.conv2d(padded, filters).unbind(1)
        red_at, green_at, blue_at = _bayer(raw).bool()
        on_red_row = red_at.any(1, keepdim=True)
        along, across = torch.where(on_red_row, row, column), torch.where(on_red_row, column, row)
        red = torch.where(red_at, v, torch.where(blue_at, cross, along))
        blue = torch.where(blue_at, v, torch.where(red_at, cross, across))
        return torch.stack([red, torch.where(green_at, v, green), blue], dim=1) * gains

    return apply(raw, balance[:, 0] > 0, colours, _gains(balance))


def _gains(balance: Float[Tensor, "b 2"]) -> Float[Tensor, "b 3 1 1"]:
    red, blue = balance.unbind(1)
    return torch.stack([red, torch.ones_like(red), blue], dim=1)[:, :, None, None]


def _bayer(like: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "3 h w"]:
    """1 where a pixel measures the channel: RG in even rows, GB in odd ones."""
    pattern = torch.zeros_like(like[0])
    pattern[0, ::2, ::2] = pattern[1, ::2, 1::2] = pattern[1, 1::2, ::2] = 1
    pattern[2, 1::2, 1::2] = 1
    return pattern


# fmt: off
# Times 16: green at red and blue; the row's colour at green; the column's; red at blue and reverse.
_MALVAR = (
    0, 0, -2, 0, 0, 0, 0, 4, 0, 0, -2, 4, 8, 4, -2, 0, 0, 4, 0, 0, 0, 0, -2, 0, 0,
    0, 0, 1, 0, 0, 0, -2, 0, -2, 0, -2, 8, 10, 8, -2, 0, -2, 0, -2, 0, 0, 0, 1, 0, 0,
    0, 0, -2, 0, 0, 0, -2, 8, -2, 0, 1, 0, 10, 0, 1, 0, -2, 8, -2, 0, 0, 0, -2, 0, 0,
    0, 0, -3, 0, 0, 0, 4, 0, 4, 0, -3, 0, 12, 0, -3, 0, 4, 0, 4, 0, 0, 0, -3, 0, 0,
)
# fmt: on
