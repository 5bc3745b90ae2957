"""Objects in front of the scene, and the scene's depth; both are made of smooth random noise."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from unblur.blur.part import carry

MOST = 2
"""Objects in a sample at most."""
FARTHEST = 2.0
"""No part of a scene shifts by more than this times the mean, or by less than its inverse."""


def cut_out(
    light: Float[Tensor, "b 3 i j"], numbers: Int[Tensor, " b"], generator: torch.Generator
) -> list[Float[Tensor, "_ 4 i j"]]:
    """Layers of objects, RGBA with premultiplied alpha: the first objects of the samples that have
    any, then the second ones.

    They are cut from the next photos of the batch, mirrored; from its own where it is the only one.

    Args:
        numbers: of objects; on the host.
    """
    layers = []
    for index in range(int(numbers.max())):
        samples = (numbers > index).nonzero().flatten()
        sources = carry((samples + index + 1) % len(light), light.device)
        mask = masks(len(samples), light, generator)[:, None]
        colours = light.index_select(0, sources).flip(-1)
        layers.append(torch.cat([colours * mask, mask], dim=1))
    return layers


def masks(
    count: int, like: Float[Tensor, "b c i j"], generator: torch.Generator
) -> Float[Tensor, "m i j"]:
    """Alpha masks of random rounded objects: 4 to 34 % of the picture, edges of 1 to 3 pixels.

    Smooth noise, coarse or finer, minus a paraboloid is thresholded.
    """
    fine, y, x, slope, squeeze, part, edge = torch.rand(
        7, count, 1, 1, generator=generator, device=like.device
    )
    coarse, finer = (_noise(count, cells, like, generator) for cells in (5, 9))
    down, across = (torch.linspace(0, 1, n, device=like.device) for n in like.shape[2:])
    down, across = down[:, None] - (0.1 + 0.8 * y), across - (0.1 + 0.8 * x)
    bell = down**2 + ((0.7 + squeeze) * across) ** 2
    field = torch.where(fine < 0.5, coarse, finer) - (12 + 16 * slope) * bell
    # The quantile of a coarse grid is close enough, and sorts few pixels.
    order = field[:, ::8, ::8].flatten(1).sort(1).values
    rank = ((0.96 - 0.3 * part[:, 0]) * (order.shape[1] - 1)).long()
    level = order.gather(1, rank)[:, :, None]
    steepness = torch.hypot(*torch.gradient(field, dim=(1, 2))).clamp_min(1e-6)
    return ((field - level) / (steepness * (1 + 2 * edge)) + 0.5).clamp(0, 1)


def parts(
    light: Float[Tensor, "b c h w"], kinds: Int[Tensor, " b"], generator: torch.Generator
) -> Float[Tensor, "b h w"] | None:
    """The share of each pixel that is out of focus: 1 (kind 0), in a rounded part (1), or in all
    but one (2). None if all are of kind 0.

    Args:
        kinds: on the host.
    """
    some = carry((kinds > 0).nonzero().flatten(), light.device)
    if not len(some):
        return None
    mask = masks(len(some), light, generator)
    inverse = carry(kinds[kinds > 0] == 2, light.device)[:, None, None]
    whole = light.new_ones(len(light), *light.shape[2:])
    return whole.index_copy(0, some, torch.where(inverse, 1 - mask, mask))


def relief(
    light: Float[Tensor, "b c i j"],
    amounts: Float[Tensor, " b"],
    margin: int,
    generator: torch.Generator,
) -> Float[Tensor, "b h w"]:
    """Each pixel's shift for a shift of 1, without the margin: e^(amount * smooth noise)."""
    noise = _noise(len(light), 4, inner(light, margin), generator)
    depth = (carry(amounts, light.device)[:, None, None] * noise).exp()
    return depth.clamp(1 / FARTHEST, FARTHEST)


def glance(
    light: Float[Tensor, "b 3 i j"],
    numbers: Int[Tensor, " b"],
    layers: list[Float[Tensor, "_ 4 i j"]],
    margin: int,
) -> Float[Tensor, "b 3 h w"]:
    """The scene and its objects (`cut_out`) from the middle pose, without the margin."""
    out = inner(light, margin)
    for k, rgba in enumerate(layers):
        index = carry((numbers > k).nonzero().flatten(), light.device)
        seen = lay_over(inner(rgba, margin), out.index_select(0, index))
        out = out.index_copy(0, index, seen)
    return out


def inner(image: Float[Tensor, "... i j"], margin: int) -> Float[Tensor, "... h w"]:
    """The image without its margin."""
    return image[..., margin : image.shape[-2] - margin, margin : image.shape[-1] - margin]


def lay_over(rgba: Float[Tensor, "b 4 ..."], rgb: Float[Tensor, "b 3 ..."]) -> Tensor:
    """Composites a premultiplied RGBA layer over colours."""
    return torch.addcmul(rgba[:, :3], 1 - rgba[:, 3:], rgb)


def _noise(
    count: int, cells: int, like: Float[Tensor, "b c i j"], generator: torch.Generator
) -> Float[Tensor, "m i j"]:
    """Normal random numbers at the corners of cells, interpolated bicubically."""
    noise = torch.randn(count, cells, cells, generator=generator, device=like.device)
    one = torch.eye(cells, device=like.device)[None, None]
    rows, columns = (
        F.interpolate(one, (size, cells), mode="bicubic", align_corners=True)[0, 0]
        for size in like.shape[2:]
    )
    return rows @ noise @ columns.T
