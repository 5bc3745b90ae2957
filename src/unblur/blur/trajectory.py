"""How a hand-held camera moves while the shutter is open."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from unblur.config import BlurConfig

TIMES = 65
"""Instants of a trajectory, evenly spaced."""


def sample_trajectories(
    batch: int,
    config: BlurConfig,
    centres: Float[Tensor, "b 2"],
    focal: Float[Tensor, " b"],
    generator: torch.Generator,
) -> Float[Tensor, "b t 6"]:
    """Camera poses (shift x, shift y, roll, pitch, yaw, log zoom) at `TIMES` instants.

    Shifts are in pixels, angles in radians. The mean pose over the exposure is zero, so that the
    blurred picture lies where the sharp one does: the pose at the middle of the time is up to
    several pixels from it, which no network can know. `sweep_share` of the cameras
    sweep along a line, the others shake (`camera_shake`). In `varying_share` the motion is a mix
    of shift and of pitch and yaw, which move the picture alike near the centre and differently at
    the rim, with a little roll and zoom; the others only shift. Path lengths are drawn with more
    short ones than long: length = min + (max - min) * u^1.5, u uniform.

    Args:
        centres: of the optical axis in pixels from each crop's centre; the farther, the smaller
            the roll and zoom, so that the picture nowhere moves much more than `max_length`.
        focal: focal length in pixels.
    """
    u = _uniform(batch, generator)
    length = config.min_length + (config.max_length - config.min_length) * u**1.5
    # One walk shifts or turns the camera, the other rolls and zooms it.
    shake, other = camera_shake(2 * batch, generator).split(batch)
    sweep = _sweep(batch, generator)
    straight = _uniform(batch, generator) < config.sweep_share
    varying = _uniform(batch, generator) < config.varying_share
    path = torch.where(straight[:, None, None], sweep, shake) * length[:, None, None]
    path = centred(path)

    # The part of the path that is pitch and yaw.
    turned = (_uniform(batch, generator) * varying)[:, None, None]
    shift = path * (1 - turned)
    yaw_pitch = path * turned / focal[:, None, None]

    # Roll and zoom move the picture by 0.3 of the path's length at most, at the crop's place.
    reach = centres.norm(dim=1) + 128
    amount = 0.3 * length / reach * _uniform(batch, generator) * varying
    other = centred(other) * amount[:, None, None]
    roll, zoom = other.unbind(-1)
    yaw, pitch = yaw_pitch.unbind(-1)
    return torch.stack([*shift.unbind(-1), roll, pitch, yaw, zoom], dim=-1)


def camera_shake(batch: int, generator: torch.Generator) -> Float[Tensor, "b t 2"]:
    """Random walks with inertia and impulsive shakes, each of path length 1.

    The model of Boracchi and Foi (2012) with DeblurGAN's ranges (Kupyn et al. 2018): constant
    speed; each step the velocity is turned by Gaussian shake, by a pull back to the start and,
    rarely, by an impulse that nearly reverses it. Theirs takes 2000 steps; here each of the 64
    steps stands for 31 of them, its random part scaled by the root of that. Their anxiety levels
    are drawn alike; path lengths are in units of theirs (60 pixels).
    """
    steps = TIMES - 1
    substeps = 2000 / steps
    levels = torch.tensor([0.003, 0.001, 0.0007, 0.0005, 0.0003, 0.0001])
    anxiety = levels[torch.randint(len(levels), (batch,), generator=generator)]
    pull = 0.7 * _uniform(batch, generator) * anxiety * substeps * 60
    impulse = 0.2 * _uniform(batch, generator) * anxiety * substeps
    shake = 10 * _uniform(batch, generator) * anxiety * math.sqrt(substeps)
    angle = 2 * math.pi * _uniform(batch, generator)
    velocity = torch.polar(torch.ones(batch), angle)
    position = torch.zeros(batch, dtype=torch.complex64)
    noise = torch.randn(steps, batch, 2, generator=generator)
    jumps = torch.rand(steps, batch, generator=generator) < impulse
    turns = math.pi + torch.rand(steps, batch, generator=generator) - 0.5
    positions = [position]
    for step in range(steps):
        change = shake * torch.view_as_complex(noise[step]) - pull * position
        jump = 2 * velocity * torch.polar(torch.ones(batch), turns[step])
        velocity = velocity + change + torch.where(jumps[step], jump, 0)
        velocity = velocity / velocity.abs().clamp_min(1e-6)
        position = position + velocity / steps
        positions.append(position)
    return torch.view_as_real(torch.stack(positions, dim=1))


def kernels(path: Float[Tensor, "b t 2"], size: int) -> Float[Tensor, "b s s"]:
    """The uniform blur of a path of shifts: each instant splatted bilinearly, sum 1.

    The instants are even in time, and the first and the last count half (the trapezoid rule).

    The kernel's centre is the shift of zero. Convolving with it (not correlating) gives the
    picture that moves along the path.

    Args:
        path: shifts (x, y) in pixels.
        size: side of the kernels, odd.

    Raises:
        ValueError: if `size` is even, or a path leaves the kernel.
    """
    half = size // 2
    if size % 2 == 0 or (path.numel() and float(path.abs().max()) > half):
        raise ValueError(f"kernels of size {size} do not hold a path that reaches farther; odd")
    batch = path.shape[0]
    low = path.floor()
    part = path - low
    x, y = (low.long() + half).unbind(-1)
    # A path that ends on the last pixel has a weight of 0 beyond it: one more row and column.
    wide = size + 1
    out = path.new_zeros(batch, wide * wide)
    duration = path.new_ones(path.shape[1])
    if len(duration) > 1:
        duration[[0, -1]] = 0.5
    duration /= duration.sum()
    for dx in (0, 1):
        for dy in (0, 1):
            weight = (part[..., 0] if dx else 1 - part[..., 0]) * (
                part[..., 1] if dy else 1 - part[..., 1]
            )
            out.scatter_add_(1, (y + dy) * wide + x + dx, weight * duration)
    return out.view(batch, wide, wide)[:, :size, :size]


def centred(path: Float[Tensor, "b t n"]) -> Float[Tensor, "b t n"]:
    """The path less its mean over the exposure (by the trapezoid rule: the ends count half)."""
    mean = torch.trapezoid(path, dim=1) / (path.shape[1] - 1)
    return path - mean[:, None]


def resample(path: Float[Tensor, "t n"], count: int) -> Float[Tensor, "k n"]:
    """The same motion at `count` evenly spaced instants (linear between those given)."""
    return F.interpolate(path.T[None], size=count, mode="linear", align_corners=True)[0].T


def _sweep(batch: int, generator: torch.Generator) -> Float[Tensor, "b t 2"]:
    angle = 2 * math.pi * _uniform(batch, generator)
    direction = torch.stack([angle.cos(), angle.sin()], dim=-1)
    return torch.linspace(-0.5, 0.5, TIMES)[None, :, None] * direction[:, None]


def _uniform(batch: int, generator: torch.Generator) -> Float[Tensor, " b"]:
    return torch.rand(batch, generator=generator)
