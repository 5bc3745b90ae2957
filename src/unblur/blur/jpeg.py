"""JPEG's losses, on tensors."""

from __future__ import annotations

import math
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from unblur.blur.part import apply, carry


def compress(
    images: Float[Tensor, "b 3 h w"], quality: Int[Tensor, " b"]
) -> Float[Tensor, "b 3 h w"]:
    """Images in [0, 1] after JPEG of each quality (1 to 100, on the host; 0: unchanged).

    The lossy steps of ITU-T T.81 with Annex K's tables, scaled as libjpeg does: JFIF's YCbCr,
    8 x 8 DCT, quantisation. Chroma is halved (4:2:0) below quality 90, as libvips does.
    """
    scale = torch.where(quality < 50, 5000 / quality.clamp_min(1), 200 - 2 * quality)
    tables = (torch.tensor((_LUMA, _CHROMA)) * scale[:, None, None] / 100 + 0.5).floor()
    tables = tables.clamp(1, 255)
    images = apply(images, (quality > 0) & (quality < 90), partial(_lose, halved=True), tables)
    return apply(images, quality >= 90, partial(_lose, halved=False), tables)


def _lose(
    images: Float[Tensor, "b 3 h w"], tables: Float[Tensor, "b 2 64"], halved: bool
) -> Float[Tensor, "b 3 h w"]:
    height, width = images.shape[-2:]
    pad = (0, -width % 16, 0, -height % 16)
    images = F.pad((images.clamp(0, 1) * 255).round(), pad, mode="replicate")
    to_rgb, to_ycc = (carry(m, images.device) for m in (torch.linalg.inv(_TO_YCC), _TO_YCC))
    y, c = torch.einsum("ij,bjhw->bihw", to_ycc, images).split((1, 2), dim=1)
    y = _blocks(y - 128, tables[:, :1]) + 128
    c = _blocks(F.avg_pool2d(c, 2) if halved else c, tables[:, 1:])
    if halved:
        c = F.interpolate(c, scale_factor=2, mode="bilinear")
    rgb = torch.einsum("ij,bjhw->bihw", to_rgb, torch.cat([y, c], dim=1))
    return rgb[..., :height, :width].clamp(0, 255).round() / 255


def _blocks(
    planes: Float[Tensor, "b c h w"], tables: Float[Tensor, "b 1 64"]
) -> Float[Tensor, "b c h w"]:
    """Each 8 x 8 block through DCT, rounding to multiples of the table, and back."""
    b, c, h, w = planes.shape
    k = torch.arange(8)
    dct = torch.cos((2 * k + 1) * k[:, None] * (math.pi / 16)) / 2
    dct[0] /= math.sqrt(2)
    # One product of 64 x 64 is faster than two of 8 x 8.
    both = carry(torch.kron(dct, dct), planes.device)
    blocks = planes.view(b, c, h // 8, 8, w // 8, 8).transpose(3, 4).reshape(b, -1, 64)
    blocks = ((blocks @ both.T / tables).round() * tables) @ both
    return blocks.view(b, c, h // 8, w // 8, 8, 8).transpose(3, 4).reshape(b, c, h, w)


# fmt: off
_TO_YCC = torch.tensor((
    (0.299, 0.587, 0.114), (-0.168735892, -0.331264108, 0.5), (0.5, -0.418687589, -0.081312411),
))
_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
)
# fmt: on
