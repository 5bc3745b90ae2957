"""What the sensor makes of the light: saturation, noise, rounding."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from unblur.config import BlurConfig


def sample_highlights(
    batch: int, config: BlurConfig, generator: torch.Generator
) -> Float[Tensor, " b"]:
    """How much brighter than white the brightest lights are; 1 for samples without any."""
    has, much = torch.rand(2, batch, generator=generator)
    return torch.where(has < config.highlight_share, 1 + (config.max_highlight - 1) * much, 1.0)


def brighten(
    light: Float[Tensor, "b 3 h w"], gains: Float[Tensor, " b"]
) -> Float[Tensor, "b 3 h w"]:
    """Undoes the clipping of highlights: channels at the limit get `gains` times brighter.

    Averaged so and clipped only then, a moving lamp leaves a streak instead of a grey smear; what
    does not move is clipped to what it was.
    """
    return torch.where(light >= 1, gains[:, None, None, None], light)


def sample_noise(
    batch: int, config: BlurConfig, generator: torch.Generator
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Shot variance and read deviation of each sample; 0 for those without noise.

    Squared uniform numbers: weak noise is common, strong noise rare.
    """
    noisy = torch.rand(batch, generator=generator) < config.noise_share
    shot = config.max_shot_noise * torch.rand(batch, generator=generator) ** 2
    read = config.max_read_noise * torch.rand(batch, generator=generator) ** 2
    return shot * noisy, read * noisy


def add_noise(
    light: Float[Tensor, "b c h w"],
    shot: Float[Tensor, " b"],
    read: Float[Tensor, " b"],
    generator: torch.Generator,
) -> Float[Tensor, "b c h w"]:
    """Poisson-Gaussian noise of variance `shot * light + read^2` (Foi et al. 2008).

    The Poisson part is taken in its normal approximation.
    """
    if not bool((shot + read).any()):
        return light
    shot, read = (x.to(light.device)[:, None, None, None] for x in (shot, read))
    noise = torch.randn(light.shape, generator=generator).to(light.device)
    return light + noise * torch.sqrt(shot * light.clamp_min(0) + read**2)


def quantise(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Clipped to [0, 1] and rounded to 8 bit."""
    return (image.clamp(0, 1) * 255).round() / 255
