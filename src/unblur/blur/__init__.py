"""Synthetic blur by its physics, B = C * H + N (eq. 1): batched, seeded, on any device."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from unblur.blur import jpeg, lens, mosaic, objects, response, sensor
from unblur.blur.config import BlurConfig
from unblur.blur.draw import Drawn, draw
from unblur.blur.part import carry
from unblur.blur.scene import expose

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
    return shoot(photos, drawn, margin, generator, density)


def shoot(
    photos: UInt8[Tensor, "b 3 i j"],
    drawn: Drawn,
    margin: int,
    generator: torch.Generator,
    density: float = DENSITY,
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 3 h w"]]:
    """The blurred and the sharp images of drawn parameters, as `synthesize` returns them.

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
    light = lens.defocus(light, drawn.apertures).clamp(max=1)
    raw = mosaic.to_mosaic(light, drawn.balance)
    raw = sensor.add_noise(raw, drawn.shot, drawn.read, generator)
    blurred = curves.encode(mosaic.demosaic(raw, drawn.balance))
    blurred = jpeg.compress(blurred, drawn.quality)
    return sensor.quantise(blurred), sensor.quantise(curves.encode(sharp))
