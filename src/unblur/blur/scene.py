"""What the sensor sees: the mean of the scene over the camera's poses."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from unblur.blur.trajectory import resample

_PIXELS_AT_ONCE = 2**22
"""Sampled together; a whole photo's sub-frames would not fit into memory."""


def expose(
    light: Float[Tensor, "b 3 i j"],
    poses: Float[Tensor, "b t 6"],
    centres: Float[Tensor, "b 2"],
    focal: Float[Tensor, " b"],
    margin: int,
) -> Float[Tensor, "b 3 h w"]:
    """The mean of the scene over each camera's path, without the margin.

    Sub-frames are so many that between two of them no corner of the picture moves by more than
    one pixel; a camera at rest gives its input back exactly. What lies beyond the margin is
    mirrored.

    Args:
        light: the scene in the domain in which the sensor averages.
        poses: as `sample_trajectories` makes them.
        centres: the optical axis, in pixels (x, y) from the crop's centre.
        focal: focal length in pixels.
        margin: pixels on each side of the input that the output lacks.
    """
    height, width = light.shape[-2] - 2 * margin, light.shape[-1] - 2 * margin
    out = []
    for scene, path, centre, f in zip(light, poses, centres, focal, strict=True):
        x = torch.arange(width, device=light.device) - (width - 1) / 2 - centre[0]
        y = torch.arange(height, device=light.device) - (height - 1) / 2 - centre[1]
        count = subframes(path, x[[0, -1]], y[[0, -1]], f)
        if count == 1:
            out.append(scene[:, margin : margin + height, margin : margin + width])
            continue
        total = torch.zeros(3, height, width, device=light.device)
        poses_in_turn = homographies(resample(path, count), f)
        for some in poses_in_turn.split(max(1, _PIXELS_AT_ONCE // (height * width))):
            u, v = _project(some, x, y)
            # To grid_sample's coordinates: -1 and 1 are the centres of the outermost pixels.
            u = (u + centre[0]) * (2 / (light.shape[-1] - 1))
            v = (v + centre[1]) * (2 / (light.shape[-2] - 1))
            grid = torch.stack([u, v], dim=-1).view(1, -1, width, 2)
            frames = F.grid_sample(scene[None], grid, padding_mode="reflection", align_corners=True)
            total += frames.view(3, -1, height, width).sum(1)
        out.append(total / count)
    return torch.stack(out)


def homographies(poses: Float[Tensor, "k 6"], focal: Float[Tensor, ""]) -> Float[Tensor, "k 3 3"]:
    """Where each pose looks: output pixel to scene pixel, both from the optical axis.

    `zoom * K R K^-1`, then the shift; K has the focal length alone, R = R_roll R_pitch R_yaw.
    """
    dx, dy, roll, pitch, yaw, zoom = poses.double().unbind(-1)
    one, zero = torch.ones_like(dx), torch.zeros_like(dx)

    def matrix(*rows: Tensor) -> Tensor:
        return torch.stack(rows, dim=-1).view(-1, 3, 3)

    c, s = roll.cos(), roll.sin()
    r_roll = matrix(c, -s, zero, s, c, zero, zero, zero, one)
    c, s = pitch.cos(), pitch.sin()
    r_pitch = matrix(one, zero, zero, zero, c, s, zero, -s, c)
    c, s = yaw.cos(), yaw.sin()
    r_yaw = matrix(c, zero, s, zero, one, zero, -s, zero, c)
    f = focal.double() * one
    k = matrix(f, zero, zero, zero, f, zero, zero, zero, one)
    back = matrix(1 / f, zero, zero, zero, 1 / f, zero, zero, zero, one)
    z = zoom.exp()
    move = matrix(z, zero, dx, zero, z, dy, zero, zero, one)
    return (move @ k @ r_roll @ r_pitch @ r_yaw @ back).to(poses.dtype)


def _project(
    h: Float[Tensor, "k 3 3"], x: Float[Tensor, " w"], y: Float[Tensor, " h"]
) -> tuple[Float[Tensor, "k h w"], Float[Tensor, "k h w"]]:
    def row(i: int) -> Tensor:
        a, b, c = (h[:, i, j, None, None] for j in range(3))
        return (a * x) + (b * y[:, None] + c)

    depth = row(2).reciprocal_()
    return row(0).mul_(depth), row(1).mul_(depth)


def subframes(
    path: Float[Tensor, "t 6"],
    x: Float[Tensor, " 2"],
    y: Float[Tensor, " 2"],
    focal: Float[Tensor, ""],
) -> int:
    """1 for a camera at rest, else an odd count, so that the middle pose is one of them."""
    u, v = _project(homographies(path, focal), x, y)
    speed = torch.hypot(u.diff(dim=0), v.diff(dim=0)).flatten(1).max()
    if float(speed) == 0:
        return 1
    count = math.ceil(float(speed) * (path.shape[0] - 1)) + 1
    return count + 1 - count % 2
