"""A camera's curve from light to encoded value, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from unblur.config import BlurConfig

Curve = Callable[[Tensor], Tensor]

_STEPS = 4096
"""Entries of an encoding table, even in the root of light, which is about how curves bend."""


@dataclass(frozen=True)
class Response:
    """Each sample's curve from light to encoded value, as tables.

    Attributes:
        to_light: light at each of 256 encoded levels.
        to_value: encoded value at light (k / 4096)^2 for k of 0 to 4096.
        names: what each curve is.
    """

    to_light: Float[Tensor, "b 256"]
    to_value: Float[Tensor, "b n"]
    names: tuple[str, ...]

    def decode(self, image: UInt8[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """8-bit encoded values to light in [0, 1]."""
        return self.to_light.gather(1, image.flatten(1).long()).view(image.shape)

    def encode(self, light: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Light to encoded values in [0, 1], to within a tenth of an 8-bit level.

        Light is clipped to [0, 1] first: the sensor saturates.
        """
        place = light.flatten(1).clamp(0, 1).sqrt_().mul_(_STEPS).add_(0.5).long()
        return self.to_value.gather(1, place).view(light.shape)

    def to(self, device: torch.device) -> Response:
        return Response(self.to_light.to(device), self.to_value.to(device), self.names)


def signal() -> Response:
    """No curve: what is averaged are the encoded values."""
    return _tabulate("signal", lambda y: y, lambda x: x)


def srgb() -> Response:
    """IEC 61966-2-1."""
    return _tabulate(
        "srgb",
        lambda y: torch.where(y <= 0.04045, y / 12.92, ((y + 0.055) / 1.055) ** 2.4),
        lambda x: torch.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055),
    )


def camera(gamma: float, contrast: float) -> Response:
    """A camera's curve: a power, then a cubic S of which `contrast` (0 to 1) is mixed in.

    Of the shapes that the database of response functions shows (Grossberg and Nayar 2003).
    `camera(2.2, 0)` is a plain gamma of 2.2.
    """
    power = torch.linspace(0, 1, _STEPS + 1, dtype=torch.float64) ** (2 / gamma)
    value = (1 - contrast) * power + contrast * power**2 * (3 - 2 * power)
    # The curve rises, so it is inverted by looking up between its own points.
    levels = torch.linspace(0, 1, 256, dtype=torch.float64)
    right = torch.searchsorted(value, levels).clamp(1, _STEPS)
    part = (levels - value[right - 1]) / (value[right] - value[right - 1])
    light = ((right - 1 + part) / _STEPS) ** 2
    name = f"camera {gamma:.2f} {contrast:.2f}"
    return Response(light.float()[None], value.float()[None], (name,))


def sample_responses(batch: int, config: BlurConfig, generator: torch.Generator) -> Response:
    """No curve for `signal_share` of the samples; sRGB, gamma 2.2 or a camera's for the others."""
    drawn = torch.rand(batch, 4, generator=generator).tolist()
    chosen = []
    for chance, kind, gamma, contrast in drawn:
        if chance < config.signal_share:
            chosen.append(signal())
        elif kind < 0.4:
            chosen.append(srgb())
        elif kind < 0.6:
            chosen.append(camera(2.2, 0.0))
        else:
            chosen.append(camera(1.8 + 0.8 * gamma, 0.5 * contrast))
    return Response(
        torch.cat([r.to_light for r in chosen]),
        torch.cat([r.to_value for r in chosen]),
        tuple(r.names[0] for r in chosen),
    )


def _tabulate(name: str, decode: Curve, encode: Curve) -> Response:
    levels = torch.linspace(0, 1, 256, dtype=torch.float64)
    light = torch.linspace(0, 1, _STEPS + 1, dtype=torch.float64) ** 2
    return Response(decode(levels).float()[None], encode(light).float()[None], (name,))
