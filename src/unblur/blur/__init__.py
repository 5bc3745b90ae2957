"""Blur as physics: B = C * H + N (eq. 1), batched, seeded, on the device of the photos."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from unblur.blur import jpeg, lens, mosaic, sensor
from unblur.blur.response import Response, sample_responses
from unblur.blur.scene import Layer, expose, glance, sample_layers
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

    Random numbers come from `generator` (a CPU one, whatever the device), so a seed gives the
    same batch.

    Args:
        photos: sharp, sRGB-encoded crops, each with `margin` extra pixels on every side for the
            camera to sweep over.
        centres: where the optical axis meets the photo, in pixels (x, y) from the crop's centre.
        focal: focal length in pixels.
        margin: extra pixels; `config.max_length / 2` or more.
    """
    drawn = draw(photos.shape, centres, focal, config, generator)
    return shoot(photos, drawn, margin, generator)


@dataclass
class Drawn:
    """What happens while each sample's shutter is open, and in its camera."""

    centres: Float[Tensor, "b 2"]
    focal: Float[Tensor, " b"]
    rest: Bool[Tensor, " b"]
    poses: Float[Tensor, "b t 6"]
    layers: list[Layer]
    apertures: list[Float[Tensor, "_ _"] | None]
    response: Response
    highlights: Float[Tensor, " b"]
    balance: Float[Tensor, "b 2"]
    shot: Float[Tensor, " b"]
    read: Float[Tensor, " b"]
    quality: Int[Tensor, " b"]

    def facts(self, index: int) -> dict[str, object]:
        """A sample's parameters in words and numbers, for a manifest."""
        shift = self.poses[index, :, :2].diff(dim=0).norm(dim=1).sum()
        turn = self.poses[index, :, 3:5].diff(dim=0).norm(dim=1).sum() * self.focal[index]
        kernel = self.apertures[index]
        return {
            "path_pixels": round(float(shift + turn), 2),
            "varies": bool(self.poses[index, :, 2:].any()),
            "objects": sum(layer.sample == index for layer in self.layers),
            "defocus_kernel": 0 if kernel is None else len(kernel),
            "response": self.response.names[index],
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
    """Everything random about a batch of photos of a shape (b, 3, i, j), but the noise itself."""
    batch = shape[0]
    rest = torch.rand(batch, generator=generator) < config.sharp_share
    poses = sample_trajectories(batch, config, centres, focal, generator)
    poses[rest] = 0
    layers = sample_layers(shape, rest, poses, config, centres, focal, generator)
    apertures = lens.sample_apertures(batch, rest, config, generator)
    response = sample_responses(batch, config, generator)
    highlights = sensor.sample_highlights(batch, config, generator)
    balance = mosaic.sample_balances(batch, rest, config, generator)
    shot, read = sensor.sample_noise(batch, config, generator)
    quality = jpeg.sample_qualities(batch, config, generator)
    return Drawn(
        centres, focal, rest, poses, layers, apertures, response, highlights, balance, shot, read,
        quality,
    )  # fmt: skip


def shoot(
    photos: UInt8[Tensor, "b 3 i j"], drawn: Drawn, margin: int, generator: torch.Generator
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 3 h w"]]:
    """The blurred and the sharp images, as `synthesize` gives them.

    Light passes the scene (camera's and objects' motion), the lens (defocus) and the sensor
    (saturation, mosaic, noise, response, JPEG). The sharp image is the same scene from the
    mean pose, through the response alone.
    """
    device = photos.device
    response, balance = drawn.response.to(device), drawn.balance.to(device)
    light = sensor.brighten(response.decode(photos), drawn.highlights.to(device))
    sharp = glance(light, drawn.layers, margin)
    poses, centres, focal = (x.to(device) for x in (drawn.poses, drawn.centres, drawn.focal))
    light = expose(light, poses, centres, focal, margin, drawn.layers)
    light = lens.defocus(light, drawn.apertures).clamp(max=1)
    raw = sensor.add_noise(mosaic.to_mosaic(light, balance), drawn.shot, drawn.read, generator)
    blurred = response.encode(mosaic.demosaic(raw, balance))
    blurred = jpeg.compress(blurred, drawn.quality)
    return sensor.quantise(blurred), sensor.quantise(response.encode(sharp))
