"""Synthetic blur by its physics, B = C * H + N (eq. 1): batched, seeded, on any device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from unblur.blur import jpeg, lens, mosaic, objects, response, sensor
from unblur.blur.config import BlurConfig
from unblur.blur.draw import Drawn, draw
from unblur.blur.part import carry
from unblur.blur.scene import expose
from unblur.blur.truth import TrueBlur, true_blur

DENSITY = 0.8
"""Sub-frames per pixel of a path: ten times as many change pictures by 0.4 grey levels (RMS)."""


def synthesize(
    photos: UInt8[Tensor, "b 3 i j"],
    centres: Float[Tensor, "b 2"],
    focal: Float[Tensor, " b"],
    margin: int,
    config: BlurConfig,
    generator: torch.Generator,
    density: float = DENSITY,
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 3 h w"]]:
    """A blurred and a sharp image of each photo, rounded to 8 bit, in [0, 1].

    Everything that decides shapes is drawn on the host; the images are computed on the photos'
    device, and nothing is read back, so the host never waits. The same seed gives the same batch.

    Args:
        photos: sharp, sRGB-encoded crops, each with `margin` extra pixels on every side, into which
            the camera may move.
        centres: where the optical axis meets the photo, in pixels (x, y) from the crop's centre;
            on the host.
        focal: focal length in pixels; on the host.
        margin: extra pixels; `config.margin` or more.
        generator: on the photos' device.
        density: sub-frames for each pixel of a path.
    """
    drawn = draw(photos.shape, centres, focal, config, generator)
    shot = shoot(photos, drawn, margin, generator, density)
    return shot.blurred, shot.sharp


@dataclass(frozen=True)
class Shot:
    """A batch of blurred and sharp images, as `synthesize` returns them, and how it was taken."""

    blurred: Float[Tensor, "b 3 h w"]
    sharp: Float[Tensor, "b 3 h w"]
    drawn: Drawn
    depth: Float[Tensor, "b h w"]
    masks: list[Float[Tensor, "_ h w"]]
    """Alpha of the first objects of the samples that have any, then of the second ones."""
    defocused: Float[Tensor, "b h w"] | None
    """The share of each pixel that is out of focus, where it is not all or nothing."""

    def truth(self) -> TrueBlur:
        """The blur of each cell."""
        drawn, radius = self.drawn, self.drawn.apertures[:, 0]
        return true_blur(
            drawn.motion, self.depth.cpu(), drawn.objects, self.masks, radius, self.defocused
        )


def shoot(
    photos: UInt8[Tensor, "b 3 i j"],
    drawn: Drawn,
    margin: int,
    generator: torch.Generator,
    density: float = DENSITY,
) -> Shot:
    """The blurred and the sharp images of drawn parameters.

    Light passes the scene (camera's and objects' motion), the lens (defocus) and the sensor
    (saturation, mosaic, noise, response, JPEG). The sharp image is the same scene from the middle
    pose, through the response alone. The lens's softness is in both, since it is not motion.
    """
    curves = response.tabulate(carry(drawn.curves, photos.device))
    light = sensor.brighten(curves, carry(drawn.highlights, photos.device)).decode(photos)
    light = lens.soften(light, drawn.softness)
    depth = objects.relief(light, drawn.depth, margin, generator)
    layers = objects.cut_out(light, drawn.objects, generator)
    sharp = objects.glance(light, drawn.objects, layers, margin)
    light = expose(light, drawn.motion, margin, drawn.objects, layers, depth, density)
    focused = light
    light = lens.defocus(light, drawn.apertures)
    defocused = objects.parts(light, drawn.focused, generator)
    if defocused is not None:
        light = focused.lerp(light, defocused[:, None])
    light = light.clamp(max=1)
    raw = mosaic.to_mosaic(light, drawn.balance)
    raw = sensor.add_noise(raw, drawn.shot, drawn.read, generator)
    blurred = curves.encode(mosaic.demosaic(raw, drawn.balance))
    blurred = jpeg.compress(blurred, drawn.quality)
    masks = [objects.inner(rgba[:, 3], margin) for rgba in layers]
    sharp = sensor.quantise(curves.encode(sharp))
    return Shot(sensor.quantise(blurred), sharp, drawn, depth, masks, defocused)
