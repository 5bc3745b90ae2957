"""A camera's response: the curve from light to encoded value, and its inverse."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

_STEPS = 4096
"""Entries of an encoding table, evenly spaced in the square root of light."""


SIGNAL = (1.0, 0.0)
"""Gamma and contrast of the identity: the encoded values are averaged."""
SRGB = (0.0, 0.0)
"""Stands for sRGB's curve (IEC 61966-2-1)."""


@dataclass(frozen=True)
class Response:
    """Each sample's curve from light to encoded value, as tables.

    Attributes:
        to_light: light at each of 256 encoded levels.
        to_value: encoded value at light (k / 4096)^2 for k of 0 to 4096.
    """

    to_light: Float[Tensor, "b 256"]
    to_value: Float[Tensor, "b n"]

    def decode(self, image: UInt8[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """8-bit encoded values to light in [0, 1]."""
        return self.to_light.gather(1, image.flatten(1).long()).view(image.shape)

    def encode(self, light: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Light to encoded values in [0, 1], to within a tenth of an 8-bit level.

        Light is clipped to [0, 1] first, as the sensor saturates.
        """
        place = light.flatten(1).clamp(0, 1).sqrt_().mul_(_STEPS).add_(0.5).long()
        return self.to_value.gather(1, place).view(light.shape)


def tabulate(curves: Float[Tensor, "b 2"]) -> Response:
    """Cameras' curves: a power, mixed with its cubic S by `contrast` (0 to 1).

    The shapes are those of the database of response functions (Grossberg and Nayar 2003).

    Args:
        curves: gamma and contrast; `SIGNAL` and `SRGB` are two of them.
    """
    gamma, contrast = curves.double().unsqueeze(-1).unbind(1)
    root = torch.linspace(0, 1, _STEPS + 1, dtype=torch.float64, device=curves.device)
    power = root ** (2 / gamma.where(gamma > 0, 1.0))
    value = (1 - contrast) * power + contrast * power**2 * (3 - 2 * power)
    light = root**2
    srgb = torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    value = torch.where(gamma > 0, value, srgb)
    # The curves increase, so they are inverted by linear interpolation between their points.
    levels = torch.linspace(0, 1, 256, dtype=torch.float64, device=curves.device)
    right = torch.searchsorted(value, levels.repeat(len(curves), 1)).clamp(1, _STEPS)
    low, high = value.gather(1, right - 1), value.gather(1, right)
    to_light = ((right - 1 + (levels - low) / (high - low)) / _STEPS) ** 2
    return Response(to_light.float(), value.float())
