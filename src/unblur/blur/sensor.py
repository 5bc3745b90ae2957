"""The sensor: saturation, noise, rounding."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.blur.part import apply
from unblur.blur.response import Response

WHITE = 251
"""Values of a photo from this on count as clipped: compression leaves them a little below 255."""


def brighten(curves: Response, gains: Float[Tensor, " b"]) -> Response:
    """The curves with values of `WHITE` and above decoded to `gains` times brighter light.

    Clipped after the average only, a moving light then leaves a streak instead of a grey smear.
    """
    white = torch.arange(256, device=gains.device) >= WHITE
    to_light = torch.where(white, curves.to_light * gains[:, None], curves.to_light)
    return replace(curves, to_light=to_light)


def add_noise(
    light: Float[Tensor, "b c h w"],
    shot: Float[Tensor, " b"],
    read: Float[Tensor, " b"],
    generator: torch.Generator,
) -> Float[Tensor, "b c h w"]:
    """Poisson-Gaussian noise of variance `shot * light + read^2` (Foi et al. 2008).

    The Poisson part is approximated as normal. `shot` and `read` are on the host, `generator` on
    the device of the light.
    """

    def add(light: Tensor, shot: Tensor, read: Tensor) -> Tensor:
        shot, read = shot[:, None, None, None], read[:, None, None, None]
        noise = torch.randn(light.shape, generator=generator, device=light.device)
        return light + noise * torch.sqrt(shot * light.clamp_min(0) + read**2)

    return apply(light, shot + read > 0, add, shot, read)


def quantise(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Clips to [0, 1] and rounds to 8 bit."""
    return (image.clamp(0, 1) * 255).round() / 255
