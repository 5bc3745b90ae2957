"""Blur as physics: B = C * H + N (eq. 1), batched, seeded, on the device of the photos."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from unblur.blur import jpeg, lens, mosaic, sensor
from unblur.blur.response import sample_responses
from unblur.blur.scene import expose, glance, sample_layers
from unblur.blur.trajectory import sample_trajectories
from unblur.config import BlurConfig


def synthesize(
    photos: UInt8[Tensor, "b 3 i j"],
    centres: Float[Tensor, "b 2"],
    focal: Float[Tensor, " b"],
    margin: int,
    config: BlurConfig,
    generator: torch.Generator,
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 3 h w"]]:
    """A blurred and a sharp image of each photo, rounded to 8 bit, in [0, 1].

    Light passes the scene (camera's and objects' motion), the lens (defocus) and the sensor
    (saturation, mosaic, noise, response, JPEG). The sharp image is the same scene at the middle
    of the exposure, through the response alone. Random numbers come from `generator` (a CPU one,
    whatever the device), so a seed gives the same batch.

    Args:
        photos: sharp, sRGB-encoded crops, each with `margin` extra pixels on every side for the
            camera to sweep over.
        centres: where the optical axis meets the photo, in pixels (x, y) from the crop's centre.
        focal: focal length in pixels.
        margin: extra pixels; `config.max_length / 2` or more.
    """
    batch, device = photos.shape[0], photos.device
    rest = torch.rand(batch, generator=generator) < config.sharp_share
    poses = sample_trajectories(batch, config, centres, focal, generator)
    poses[rest] = 0
    layers = sample_layers(photos.shape, rest, poses, config, centres, focal, generator)
    apertures = lens.sample_apertures(batch, rest, config, generator)
    response = sample_responses(batch, config, generator).to(device)
    gains = sensor.sample_highlights(batch, config, generator).to(device)
    balance = mosaic.sample_balances(batch, rest, config, generator).to(device)
    shot, read = sensor.sample_noise(batch, config, generator)
    qualities = jpeg.sample_qualities(batch, config, generator)

    light = sensor.brighten(response.decode(photos), gains)
    poses, centres, focal = poses.to(device), centres.to(device), focal.to(device)
    sharp = glance(light, layers, margin)
    light = expose(light, poses, centres, focal, margin, layers)
    light = lens.defocus(light, apertures).clamp(max=1)
    raw = mosaic.to_mosaic(light, balance)
    raw = sensor.add_noise(raw, shot, read, generator)
    blurred = response.encode(mosaic.demosaic(raw, balance))
    blurred = jpeg.compress(blurred, qualities)
    return sensor.quantise(blurred), sensor.quantise(response.encode(sharp))
