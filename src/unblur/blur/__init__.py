"""Blur as physics: B = C * H + N (eq. 1), batched, seeded, on the device of the photos."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from unblur.blur import sensor
from unblur.blur.scene import expose
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

    Random numbers come from `generator` alone (a CPU one, whatever the device), so a seed gives
    the same batch.

    Args:
        photos: sharp, sRGB-encoded crops, each with `margin` extra pixels on every side for the
            camera to sweep over.
        centres: where the optical axis meets the photo, in pixels (x, y) from the crop's centre.
        focal: focal length in pixels.
        margin: extra pixels; `config.max_length / 2` or more.
    """
    batch, device = photos.shape[0], photos.device
    poses = sample_trajectories(batch, config, centres, focal, generator).to(device)
    encoded = photos.float() / 255
    sharp = encoded[..., margin : -margin or None, margin : -margin or None]
    response = sensor.sample_responses(batch, config, generator).to(device)
    light = sensor.decode(encoded, response)
    light = expose(light, poses, centres.to(device), focal.to(device), margin)
    light = sensor.add_noise(light, *sensor.sample_noise(batch, config, generator), generator)
    blurred = sensor.encode(light, response)
    blurred = sensor.jpeg(blurred, sensor.sample_qualities(batch, config, generator))
    return sensor.quantise(blurred), sharp
