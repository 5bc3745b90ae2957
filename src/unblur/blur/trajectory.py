"""How a hand-held camera, or an object before it, moves while the shutter is open."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from unblur.config import BlurConfig

TIMES = 65
"""Instants of a trajectory, evenly spaced: 0 is the shutter's opening, 1 its closing."""


def sample_trajectories(
    config: BlurConfig,
    centres: Float[Tensor, "b 2"],
    focal: Float[Tensor, " b"],
    radius: float,
    generator: torch.Generator,
) -> Float[Tensor, "b t 6"]:
    """Poses (shift x, shift y, roll, pitch, yaw, log zoom) at `TIMES` instants, on the host.

    Shifts are in pixels, angles in radians. The pose at the middle of the exposure is zero: it is
    what the sharp picture shows, as a video's middle frame does. Very squiggly paths, whose middle
    no network can know, have a mean of zero instead. Short paths are commoner than long ones:
    length = min + (max - min) u^1.4, u uniform. In `varying_share`, roll and zoom move the
    picture's rim by up to 0.45 and 0.27 times `max_length`, small amounts more often, and pitch and
    yaw take over a random part of the path.

    Args:
        centres: of the optical axis in pixels from each crop's centre.
        focal: focal length in pixels.
        radius: from a crop's centre to its rim, in pixels.
    """
    batch = len(focal)
    path, winding = sample_paths(batch, config, generator)
    mean = torch.trapezoid(path, dim=1) / (TIMES - 1)
    path = path - torch.where(winding[:, None], mean, path[:, TIMES // 2])[:, None]
    u = _uniform(batch, generator)
    length = config.min_length + (config.max_length - config.min_length) * u**1.4
    path = path * length[:, None, None]

    varying = _uniform(batch, generator) < config.varying_share

    def flags(share: float | int) -> Bool[Tensor, " b"]:
        return varying & (_uniform(batch, generator) < share)

    turned = (_uniform(batch, generator) * flags(config.perspective_share))[:, None, None]
    yaw, pitch = (path * turned / focal[:, None, None]).unbind(-1)
    # The farther the axis, the smaller the angle that moves the picture as much.
    rim = (config.max_length / (centres.norm(dim=1) + radius))[:, None]
    roll = _turn(batch, generator) * 0.45 * rim * flags(config.roll_share)[:, None]
    zoom = _turn(batch, generator) * 0.27 * rim * flags(config.zoom_share)[:, None]
    return torch.stack([*(path * (1 - turned)).unbind(-1), roll, pitch, yaw, zoom], dim=-1)


def sample_paths(
    batch: int, config: BlurConfig, generator: torch.Generator
) -> tuple[Float[Tensor, "b t 2"], Bool[Tensor, " b"]]:
    """Paths of length 1, and whether each winds so much that its middle says nothing.

    `sweep_share` are straight and of one speed, `shake_share` are `camera_shake`'s; in the others
    the heading bends and the speed drifts, and in `squiggly_share` both walk at random besides.
    """
    steps = TIMES - 1

    def walk() -> Tensor:
        return torch.randn(batch, steps, generator=generator).cumsum(1) / math.sqrt(steps)

    def normal() -> Tensor:
        return torch.randn(batch, 1, generator=generator)

    kind, squiggly, strength, bend, angle = torch.rand(5, batch, 1, generator=generator)
    time = torch.linspace(-0.5, 0.5, steps)
    squiggle = (0.3 + 4 * strength**1.5) * (squiggly < config.squiggly_share)
    heading = normal() * (0.2 + 2 * bend**2) * time + squiggle * walk()
    speed = (0.8 * normal() * time + 0.3 * squiggle.clamp(max=1.5) * walk()).exp()
    straight = kind < config.sweep_share
    heading, speed = heading * ~straight, torch.where(straight, 1.0, speed)
    velocity = torch.polar(speed / speed.sum(1, keepdim=True), heading + 2 * math.pi * angle)
    path = torch.view_as_real(F.pad(velocity.cumsum(1), (1, 0)))
    shaken = (~straight & (kind < config.sweep_share + config.shake_share))[:, 0]
    path[shaken] = camera_shake(int(shaken.sum()), generator)
    return path, shaken | (~straight & (squiggle > 1))[:, 0]


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


def instants(count: int, shutter: Float[Tensor, "b 2"]) -> Float[Tensor, "b n"]:
    """Instants of each exposure in [0, 1], every one the middle of its part of the open time.

    Each exposure is cut into equal spans, its bursts; the shutter is open in the middle part of
    each, `duty` of its length. One burst of duty 1 is a shutter that stays open.
    """
    bursts, duty = shutter[:, :, None].unbind(1)
    span = (torch.arange(count) + 0.5) / count * bursts
    return (span.floor() + 0.5 + (span % 1 - 0.5) * duty) / bursts


def at(poses: Float[Tensor, "b k t 6"], times: Float[Tensor, "b n"]) -> Float[Tensor, "b k n 6"]:
    """The poses of each sample at its times in [0, 1], linear between those given."""
    place = times * (poses.shape[2] - 1)
    low = place.long().clamp(0, poses.shape[2] - 2)
    part = (place - low)[:, None, :, None]
    index = low[:, None, :, None].expand(-1, poses.shape[1], -1, 6)
    return torch.lerp(poses.gather(2, index), poses.gather(2, index + 1), part)


def _turn(batch: int, generator: torch.Generator) -> Float[Tensor, "b t"]:
    """From -1/2 to 1/2, not quite evenly, times a random amount of [-1, 1]; 0 at the middle."""
    time = torch.linspace(-0.5, 0.5, TIMES)
    amount = 2 * _uniform(batch, generator)[:, None] - 1
    bend = 0.5 * torch.randn(batch, 1, generator=generator)
    return amount * amount.abs() * (time + bend * time**2)


def _uniform(batch: int, generator: torch.Generator) -> Float[Tensor, " b"]:
    return torch.rand(batch, generator=generator)
