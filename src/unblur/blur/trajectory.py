"""Random motion of a hand-held camera, or of an object, during an exposure."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from unblur.blur.config import BlurConfig

TIMES = 65
"""Instants of a trajectory, evenly spaced from the start to the end of the exposure."""


def sample_trajectories(
    config: BlurConfig,
    centres: Float[Tensor, "b 2"],
    focal: Float[Tensor, " b"],
    radius: float,
    generator: torch.Generator,
) -> Float[Tensor, "b t 6"]:
    """Poses (shift x, shift y, roll, pitch, yaw, log zoom) at `TIMES` instants, on the host.

    Shifts are in pixels, angles in radians. The pose at the middle of the exposure is zero: the
    sharp image shows it, like a video's middle frame. Very squiggly paths, whose middle cannot be
    told from the blur, have a mean of zero instead. Lengths are min + (max - min) u^1.4, u uniform.
    In `varying_share`, roll and zoom move the picture's rim by up to 0.45 and 0.27 times
    `max_length`, small amounts more often, and pitch and yaw take over a random part of the path.

    Args:
        centres: of the optical axis in pixels from each crop's centre.
        focal: focal length in pixels.
        radius: from a crop's centre to its rim, in pixels.
    """
    batch = len(focal)
    length, part, varies, *has = torch.rand(6, batch, 1, generator=generator)
    path, winding = sample_paths(batch, config, generator)
    mean = torch.trapezoid(path, dim=1) / (TIMES - 1)
    path = path - torch.where(winding[:, None], mean, path[:, TIMES // 2])[:, None]
    length = config.min_length + (config.max_length - config.min_length) * length**1.4
    x, y = (path * length[:, :, None]).unbind(-1)
    shares = config.perspective_share, config.roll_share, config.zoom_share
    turns, rolls, zooms = (
        (varies < config.varying_share) & (u < share) for u, share in zip(has, shares, strict=True)
    )
    turned = part * turns
    # The same motion of the rim needs a smaller angle if the axis is farther away.
    most = config.max_length / (centres.norm(dim=1, keepdim=True) + radius)
    time = torch.linspace(-0.5, 0.5, TIMES)
    amounts = 2 * torch.rand(2, batch, 1, generator=generator) - 1
    bends = 0.5 * torch.randn(2, batch, 1, generator=generator)
    roll, zoom = most * amounts * amounts.abs() * (time + bends * time**2)
    pitch, yaw = y * turned / focal[:, None], x * turned / focal[:, None]
    moved = [x * (1 - turned), y * (1 - turned), 0.45 * roll * rolls, pitch, yaw]
    return torch.stack([*moved, 0.27 * zoom * zooms], dim=-1)


def sample_paths(
    batch: int, config: BlurConfig, generator: torch.Generator
) -> tuple[Float[Tensor, "b t 2"], Bool[Tensor, " b"]]:
    """Paths of length 1, and whether each is so squiggly that its middle cannot be told.

    `sweep_share` are straight and of one speed, `shake_share` are `camera_shake`'s; in the others
    the heading bends and the speed drifts, and in `squiggly_share` a random walk is added to both.
    """
    steps = TIMES - 1
    time = torch.linspace(-0.5, 0.5, steps)
    kind, squiggly, strength, bend, angle = torch.rand(5, batch, 1, generator=generator)
    turn, drift = torch.randn(2, batch, 1, generator=generator)
    walks = torch.randn(2, batch, steps, generator=generator).cumsum(2) / math.sqrt(steps)
    squiggle = (0.3 + 4 * strength**1.5) * (squiggly < config.squiggly_share)
    heading = turn * (0.2 + 2 * bend**2) * time + squiggle * walks[0]
    speed = (0.8 * drift * time + 0.3 * squiggle.clamp(max=1.5) * walks[1]).exp()
    curved = kind >= config.sweep_share
    speed = speed.where(curved, 1.0)
    velocity = torch.polar(speed / speed.sum(1, keepdim=True), heading * curved + math.tau * angle)
    path = torch.view_as_real(F.pad(velocity.cumsum(1), (1, 0)))
    shaken = (curved & (kind < config.sweep_share + config.shake_share))[:, 0]
    path[shaken] = camera_shake(int(shaken.sum()), generator)
    return path, shaken | (curved & (squiggle > 1))[:, 0]


def camera_shake(batch: int, generator: torch.Generator) -> Float[Tensor, "b t 2"]:
    """Random walks with inertia and impulsive shakes, each of path length 1.

    The model of Boracchi and Foi (2012) with DeblurGAN's ranges and anxiety levels (Kupyn et al.
    2018), in units of their path length (60 pixels): at constant speed, Gaussian shake, a pull back
    to the start and, rarely, an impulse that nearly reverses it turn the velocity. Each of the 64
    steps stands for 31 of their 2000, its random part scaled by the root of that.
    """
    steps = TIMES - 1
    substeps = 2000 / steps
    levels = torch.tensor([0.003, 0.001, 0.0007, 0.0005, 0.0003, 0.0001])
    anxiety = levels[torch.randint(len(levels), (batch,), generator=generator)]
    pull, impulse, shake, angle = torch.rand(4, batch, generator=generator)
    pull = 0.7 * pull * anxiety * substeps * 60
    impulse = 0.2 * impulse * anxiety * substeps
    shake = 10 * shake * anxiety * math.sqrt(substeps)
    velocity = torch.polar(torch.ones(batch), math.tau * angle)
    kicks = shake * torch.view_as_complex(torch.randn(steps, batch, 2, generator=generator))
    jumps = torch.rand(steps, batch, generator=generator) < impulse
    turns = math.pi + torch.rand(steps, batch, generator=generator) - 0.5
    turns = 1 + torch.polar(2.0 * jumps, turns)
    positions = [torch.zeros(batch, dtype=torch.complex64)]
    for kick, turn in zip(kicks, turns, strict=True):
        velocity = (torch.addcmul(kick, velocity, turn) - pull * positions[-1]).sgn()
        positions.append(torch.add(positions[-1], velocity, alpha=1 / steps))
    return torch.view_as_real(torch.stack(positions, dim=1))


def instants(count: int, shutter: Float[Tensor, "b 2"]) -> Float[Tensor, "b n"]:
    """Instants of each exposure in [0, 1], each the middle of its share of the open time.

    The shutter is open in the middle `duty` of each of the equal spans, its bursts, of an exposure.
    """
    bursts, duty = shutter[:, :, None].unbind(1)
    span = (torch.arange(count) + 0.5) / count * bursts
    return (span.floor() + 0.5 + (span % 1 - 0.5) * duty) / bursts


def at(poses: Float[Tensor, "b k t 6"], times: Float[Tensor, "b n"]) -> Float[Tensor, "b k n 6"]:
    """The poses of each sample at its times in [0, 1], linear between those given."""
    place = times * (poses.shape[2] - 1)
    low = place.long().clamp(0, poses.shape[2] - 2)
    index = low[:, None, :, None].expand(-1, poses.shape[1], -1, 6)
    part = (place - low)[:, None, :, None]
    return torch.lerp(poses.gather(2, index), poses.gather(2, index + 1), part)
