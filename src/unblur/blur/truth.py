"""The true blur of a synthetic picture, cell by cell: what a network that measures blur learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from unblur.blur.scene import Motion

CELL = 16
"""Side of a cell, in pixels."""


@dataclass(frozen=True)
class TrueBlur:
    """The blur of each cell, all on the host.

    Attributes:
        length: of the path that the cell's middle takes over the sensor, in pixels.
        spread: of the positions on it, over time: variances along x and y and their covariance, in
            square pixels. A straight path of constant speed and length n has n^2 / 12 along it.
        radius: of the aperture's image, in pixels; 0 in focus.
        pure: the share of the cell and its neighbours that moves as its middle does, 0 to 1; less
            than 1 at the edges of objects and of the part that is out of focus.
    """

    length: Float[Tensor, "b i j"]
    spread: Float[Tensor, "b 3 i j"]
    radius: Float[Tensor, "b i j"]
    pure: Float[Tensor, "b i j"]


def true_blur(
    motion: Motion,
    depth: Float[Tensor, "b h w"],
    numbers: Int[Tensor, " b"],
    masks: Sequence[Float[Tensor, "_ h w"]],
    radius: Float[Tensor, " b"],
    defocused: Float[Tensor, "b h w"] | None,
) -> TrueBlur:
    """The blur of cells of `CELL` x `CELL` pixels, whole ones only.

    Args:
        motion: of the camera and of the objects; the shutter's bursts are not regarded.
        depth: factor of the scene's shifts.
        numbers: of objects.
        masks: alpha of the first objects of the samples that have any, then of the second ones.
        radius: of each sample's aperture.
        defocused: the share of each pixel that is out of focus; None: 1.
    """
    batch, height, width = depth.shape
    rows, columns = height // CELL, width // CELL
    x, y = (
        (torch.arange(n) + 0.5) * CELL - side / 2 for n, side in ((columns, width), (rows, height))
    )
    places = torch.stack([x.expand(rows, -1), y[:, None].expand(-1, columns)], dim=-1)
    near = _cells(depth)[..., None]
    length, spread = _walk(_paths(motion, 0, places, near))
    share = torch.ones(batch, rows, columns)
    for k, mask in enumerate(masks):
        has = (numbers > k).nonzero().flatten()
        if not len(has):
            continue
        part = Motion(
            motion.poses[has], motion.centres[has], motion.focal[has], motion.shutter[has]
        )
        own_length, own_spread = _walk(_paths(part, k + 1, places, torch.ones(1, 1, 1, 1)))
        covered = _cells(mask.cpu())
        mine = covered > 0.5
        length[has] = torch.where(mine, own_length, length[has])
        spread[has] = torch.where(mine[:, None], own_spread, spread[has])
        share[has] = torch.where(mine, covered, share[has] * (1 - covered))
    if defocused is None:
        focus = radius[:, None, None].expand(-1, rows, columns)
    else:
        part = _cells(defocused.cpu())
        focus = radius[:, None, None] * (part > 0.5)
        share = share * torch.where(radius[:, None, None] > 0, torch.maximum(part, 1 - part), 1.0)
    around = F.avg_pool2d(share[:, None], 3, 1, 1, count_include_pad=False)[:, 0]
    return TrueBlur(length, spread, focus, around)


def _cells(image: Float[Tensor, "b h w"]) -> Float[Tensor, "b i j"]:
    return F.avg_pool2d(image[:, None].float(), CELL)[:, 0]


def _paths(
    motion: Motion, layer: int, places: Float[Tensor, "i j 2"], depth: Float[Tensor, "#b #i #j 1"]
) -> Float[Tensor, "b t i j 2"]:
    """Where a layer's points that the places show in the middle pose are at each instant."""
    turns = motion.homographies()[:, layer, :, None, None]
    points = torch.cat([places, torch.ones_like(places[..., :1])], dim=-1)[..., None]
    seen = (turns @ points)[..., 0]
    shift = motion.poses[:, layer, :, None, None, :2]
    return seen[..., :2] / seen[..., 2:] + shift * depth[:, None]


def _walk(
    path: Float[Tensor, "b t i j 2"],
) -> tuple[Float[Tensor, "b i j"], Float[Tensor, "b 3 i j"]]:
    """The lengths of paths, and the variances and covariance of the positions on them."""
    length = path.diff(dim=1).norm(dim=-1).sum(1)
    x, y = (path - path.mean(1, keepdim=True)).unbind(-1)
    return length, torch.stack([(x * x).mean(1), (y * y).mean(1), (x * y).mean(1)], dim=1)
