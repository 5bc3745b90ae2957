"""What JPEG loses, on tensors."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from unblur.config import BlurConfig


def sample_qualities(
    batch: int, config: BlurConfig, generator: torch.Generator
) -> Int[Tensor, " b"]:
    """JPEG qualities of 50 to 98 for `jpeg_share` of the samples, 0 (no JPEG) for the others."""
    quality = torch.randint(50, 99, (batch,), generator=generator)
    return quality * (torch.rand(batch, generator=generator) < config.jpeg_share)


def compress(
    image: Float[Tensor, "b 3 h w"], quality: Int[Tensor, " b"]
) -> Float[Tensor, "b 3 h w"]:
    """What JPEG of a quality (1 to 100; 0: none) leaves of images in [0, 1].

    The lossy steps of ITU-T T.81 with Annex K's tables, scaled as libjpeg does: JFIF's YCbCr,
    8 x 8 DCT, quantisation. Chroma is halved (4:2:0) below quality 90, as libvips does.
    """
    out = image.clone()
    for index, q in enumerate(quality.tolist()):
        if q:
            out[index] = _compress_one(image[index], q)
    return out


def _compress_one(image: Float[Tensor, "3 h w"], quality: int) -> Float[Tensor, "3 h w"]:
    height, width = image.shape[-2:]
    pad = (0, -width % 16, 0, -height % 16)
    image = F.pad((image.clamp(0, 1) * 255).round()[None], pad, mode="replicate")
    to_ycc = image.new_tensor(_TO_YCC)
    ycc = torch.einsum("ij,bjhw->bihw", to_ycc, image)
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    luma, chroma = ((t * scale / 100 + 0.5).floor().clamp(1, 255) for t in _tables(image))
    y = _blocks(ycc[:, :1] - 128, luma) + 128
    c = ycc[:, 1:]
    if quality < 90:
        c = F.interpolate(_blocks(F.avg_pool2d(c, 2), chroma), scale_factor=2, mode="bilinear")
    else:
        c = _blocks(c, chroma)
    rgb = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(to_ycc), torch.cat([y, c], dim=1))
    return rgb[0, :, :height, :width].clamp(0, 255).round() / 255


def _blocks(plane: Float[Tensor, "1 c h w"], table: Float[Tensor, "8 8"]) -> Tensor:
    """Each 8 x 8 block through DCT, rounding to multiples of the table, and back."""
    _, c, h, w = plane.shape
    k = torch.arange(8, device=plane.device)
    dct = torch.cos((2 * k + 1) * k[:, None] * (math.pi / 16)) / 2
    dct[0] /= math.sqrt(2)
    blocks = plane.view(c, h // 8, 8, w // 8, 8).transpose(2, 3)
    coefficients = dct @ blocks @ dct.T
    blocks = dct.T @ ((coefficients / table).round() * table) @ dct
    return blocks.transpose(2, 3).reshape(1, c, h, w)


def _tables(like: Tensor) -> tuple[Tensor, Tensor]:
    return like.new_tensor(_LUMA).view(8, 8), like.new_tensor(_CHROMA).view(8, 8)


_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
# fmt: off
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
