"""What is out of focus: every point becomes the image of the aperture."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from unblur.config import BlurConfig

_SUPERSAMPLING = 5


def sample_apertures(
    batch: int,
    rest: Bool[Tensor, " b"],
    config: BlurConfig,
    generator: torch.Generator,
) -> list[Float[Tensor, "_ _"] | None]:
    """A kernel for `defocus_share` of the samples that do not rest: half discs, half polygons."""
    drawn = torch.rand(batch, 4, generator=generator).tolist()
    kernels: list[Tensor | None] = []
    for still, (chance, size, kind, turn) in zip(rest.tolist(), drawn, strict=True):
        if still or chance >= config.defocus_share:
            kernels.append(None)
            continue
        radius = 0.7 + (config.max_defocus - 0.7) * size
        blades = 0 if kind < 0.5 else 5 + int((kind - 0.5) * 8)
        kernels.append(aperture(radius, blades, turn * 2 * math.pi))
    return kernels


def aperture(radius: float, blades: int = 0, turn: float = 0.0) -> Float[Tensor, "s s"]:
    """The image of a disc, or of a regular polygon with `blades` sides; its sum is 1.

    Args:
        radius: of the disc, or the polygon's corners, in pixels.
        blades: 0 for a disc, else 3 or more.
        turn: angle of a corner, in radians.
    """
    half = math.ceil(radius)
    side = 2 * half + 1
    at = (torch.arange(side * _SUPERSAMPLING) + 0.5) / _SUPERSAMPLING - side / 2
    y, x = torch.meshgrid(at, at, indexing="ij")
    reach = torch.full_like(x, radius)
    if blades:
        # Distance from the centre to the side in each direction.
        sector = 2 * math.pi / blades
        angle = torch.remainder(torch.atan2(y, x) - turn, sector) - sector / 2
        reach = radius * math.cos(sector / 2) / angle.cos()
    inside = (torch.hypot(x, y) <= reach).float()
    kernel = F.avg_pool2d(inside[None, None], _SUPERSAMPLING)[0, 0]
    return kernel / kernel.sum()


def defocus(
    light: Float[Tensor, "b c h w"], kernels: list[Float[Tensor, "_ _"] | None]
) -> Float[Tensor, "b c h w"]:
    """Each image convolved with its kernel; the border is replicated. None leaves it as it is."""
    out = light.clone()
    for index, kernel in enumerate(kernels):
        if kernel is not None:
            half = kernel.shape[0] // 2
            padded = F.pad(light[index, :, None], (half,) * 4, mode="replicate")
            weight = kernel.flip(0, 1).to(light)[None, None]
            out[index] = F.conv2d(padded, weight)[:, 0]
    return out
