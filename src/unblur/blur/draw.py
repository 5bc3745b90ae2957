"""Draws all parameters of a batch on the host; noise and shapes are drawn on the device."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unblur.blur.config import BlurConfig
from unblur.blur.objects import MOST
from unblur.blur.response import SIGNAL, SRGB
from unblur.blur.scene import Motion
from unblur.blur.trajectory import sample_trajectories


@dataclass
class Drawn:
    """Each sample's motion, scene and camera."""

    motion: Motion
    objects: Int[Tensor, " b"]  # how many
    depth: Float[Tensor, " b"]  # spread of the scene's distances, for `objects.relief`
    softness: Float[Tensor, " b"]  # the lens's Gaussian, in pixels
    apertures: Float[Tensor, "b 3"]  # for `lens.aperture`; radius 0: in focus
    curves: Float[Tensor, "b 2"]  # gamma and contrast, for `response.tabulate`
    highlights: Float[Tensor, " b"]  # how much brighter than white the brightest lights are
    balance: Float[Tensor, "b 2"]  # gains of red and blue; 0: no mosaic
    shot: Float[Tensor, " b"]  # for `sensor.add_noise`
    read: Float[Tensor, " b"]
    quality: Int[Tensor, " b"]  # JPEG's; 0: none
    focused: Int[Tensor, " b"]  # out of focus: 0 all, 1 a rounded part, 2 all but one

    def facts(self, index: int) -> dict[str, object]:
        """A sample's parameters, JSON-able, for a manifest."""
        poses, (bursts, duty) = self.motion.poses[index, 0], self.motion.shutter[index].tolist()
        shift = poses[:, :2].diff(dim=0).norm(dim=1).sum()
        turn = poses[:, 3:5].diff(dim=0).norm(dim=1).sum() * self.motion.focal[index]
        gamma, contrast = self.curves[index].tolist()
        curve = {SIGNAL: "signal", SRGB: "srgb"}.get((gamma, contrast))
        return {
            "path_pixels": round(float(shift + turn), 2),
            "varies": bool(poses[:, 2:].any()),
            "depth": round(float(self.depth[index]), 3),
            "bursts": int(bursts),
            "duty": round(duty, 3),
            "objects": int(self.objects[index]),
            "softness": round(float(self.softness[index]), 3),
            "defocus_radius": round(float(self.apertures[index, 0]), 3),
            "response": curve or f"camera {gamma:.2f} {contrast:.2f}",
            "highlights": round(float(self.highlights[index]), 3),
            "white_balance": [round(x, 3) for x in self.balance[index].tolist()],
            "shot_noise": round(float(self.shot[index]), 7),
            "read_noise": round(float(self.read[index]), 7),
            "jpeg_quality": int(self.quality[index]),
        }


def draw(
    shape: torch.Size,
    centres: Float[Tensor, "b 2"],
    focal: Float[Tensor, " b"],
    config: BlurConfig,
    generator: torch.Generator,
) -> Drawn:
    """The parameters of a batch of photos of shape (b, 3, i, j), distributed as `config` says.

    Among the samples with an object a quarter have two. Apertures are discs or, half of them,
    polygons of five to eight blades. Cameras that are neither plain nor of gamma 2.2 have sRGB's
    curve or, half of them, a gamma of 1.4 to 2.6 with an S of up to 0.5. Noise levels are squares
    of uniform numbers: weak noise is common, strong noise rare.

    Args:
        generator: on any device.
    """
    batch, host = shape[0], _on_host(generator)

    def uniform(low: float | int = 0, high: float | int = 1) -> Float[Tensor, " b"]:
        return low + (high - low) * torch.rand(batch, generator=host)

    def chance(share: float | int) -> Bool[Tensor, " b"]:
        return uniform() < share

    rest = chance(config.sharp_share)
    objects = (1 + chance(0.25).long()) * (chance(config.layer_share) & ~rest)
    poses = _draw_poses(config, centres, focal, max(shape[2:]) / 2, rest, objects, host)
    # Averaged frames of a video are bursts with the shutter closed between them.
    strobe = torch.stack([uniform(5, 15).round(), uniform(0.2, 1)], dim=1)
    shutter = torch.where(chance(config.strobe_share)[:, None], strobe, 1.0)
    polygons = (5 + uniform(0, 4).floor()) * chance(0.5)
    radius = uniform(0.7, config.max_defocus) * (chance(config.defocus_share) & ~rest)
    kind = uniform()
    curves = torch.stack([uniform(1.4, 2.6), uniform(0, 0.5)], dim=1) * chance(0.5)[:, None]
    curves[kind < config.signal_share + config.gamma_share] = torch.tensor([2.2, 0.0])
    curves[kind < config.signal_share] = torch.tensor(SIGNAL)
    balance = torch.stack([uniform(1.2, 2.4), uniform(1.2, 2.4)], dim=1)
    noisy, lit = chance(config.noise_share), chance(config.highlight_share)
    return Drawn(
        motion=Motion(poses, centres, focal, shutter),
        objects=objects,
        depth=uniform(0, 0.35) * chance(config.varying_share * config.depth_share),
        softness=uniform(0.3, 0.9) * chance(config.soft_share),
        apertures=torch.stack([radius, polygons, uniform(0, 2 * math.pi)], dim=1),
        curves=curves,
        highlights=torch.where(lit, uniform(1, config.max_highlight), 1.0),
        balance=balance * (chance(config.bayer_share) & ~rest)[:, None],
        shot=config.max_shot_noise * uniform() ** 2 * noisy,
        read=config.max_read_noise * uniform() ** 2 * noisy,
        quality=uniform(55, 99).long() * chance(config.jpeg_share),
        focused=uniform(1, 3).long() * (chance(config.part_share) & (radius > 0)),
    )


def _draw_poses(
    config: BlurConfig,
    centres: Float[Tensor, "b 2"],
    focal: Float[Tensor, " b"],
    radius: float,
    rest: Bool[Tensor, " b"],
    objects: Int[Tensor, " b"],
    host: torch.Generator,
) -> Float[Tensor, "b k t 6"]:
    """Poses of the camera and of `MOST` objects; objects beyond a sample's number rest."""
    many = 1 + MOST
    poses = sample_trajectories(
        config, centres.repeat_interleave(many, 0), focal.repeat_interleave(many), radius, host
    ).unflatten(0, (len(focal), many))
    near, factor = torch.rand(2, len(focal), MOST, 1, 1, generator=host)
    along = poses[:, :1] * (0.4 + 1.2 * factor)
    poses[:, 1:] = torch.where(near < config.together_share, along, poses[:, 1:])
    still = torch.rand(len(focal), generator=host) + (objects == 0)
    poses[rest | (still < config.still_share / 2), 0] = 0
    poses[(still >= config.still_share / 2) & (still < config.still_share), 1:] = 0
    poses[:, 1:] *= (objects[:, None] > torch.arange(MOST))[:, :, None, None]
    return poses


def _on_host(generator: torch.Generator) -> torch.Generator:
    """A generator on the host, seeded by the state of one on any device without waiting for it."""
    state = hashlib.sha256(generator.get_state().numpy().tobytes()).digest()
    # Draw one number, so that the next batch starts from another state.
    torch.rand(1, generator=generator, device=generator.device)
    return torch.Generator().manual_seed(int.from_bytes(state[:7], "big"))
