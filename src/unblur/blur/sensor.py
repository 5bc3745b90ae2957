"""What the camera makes of the light: saturation, mosaic, noise, response curve, rounding, JPEG."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.nn import functional as F

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
    """

    to_light: Float[Tensor, "b 256"]
    to_value: Float[Tensor, "b n"]

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
        return Response(self.to_light.to(device), self.to_value.to(device))


def signal() -> Response:
    """No curve: what is averaged are the encoded values."""
    return _tabulate(lambda y: y, lambda x: x)


def srgb() -> Response:
    """IEC 61966-2-1."""
    return _tabulate(
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
    return Response(light.float()[None], value.float()[None])


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
        *(torch.cat(t) for t in zip(*((r.to_light, r.to_value) for r in chosen), strict=True))
    )


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


def sample_balances(
    batch: int, rest: Bool[Tensor, " b"], config: BlurConfig, generator: torch.Generator
) -> Float[Tensor, "b 2"]:
    """White balance gains of red and blue; 0 for samples that have no mosaic."""
    has = (torch.rand(batch, generator=generator) < config.bayer_share) & ~rest
    return (1.2 + 1.2 * torch.rand(batch, 2, generator=generator)) * has[:, None]


def mosaic(
    light: Float[Tensor, "b 3 h w"], balance: Float[Tensor, "b 2"]
) -> Float[Tensor, "b 3 h w"]:
    """What an RGGB sensor measures, the three channels of a pixel all holding its one value.

    Red and blue are divided by their gains, for the sensor sees them weaker. Samples without a
    mosaic (gains of 0) stay as they are.
    """
    out = light.clone()
    for index in _with_mosaic(balance):
        scaled = light[index] * _gains(balance[index]).reciprocal()
        out[index] = (scaled * _bayer(scaled)).sum(0)
    return out


def demosaic(
    raw: Float[Tensor, "b 3 h w"], balance: Float[Tensor, "b 2"]
) -> Float[Tensor, "b 3 h w"]:
    """Colours from the mosaic by the linear filters of Malvar, He and Cutler (2004), balanced."""
    out = raw.clone()
    for index in _with_mosaic(balance):
        value = raw[index, :1]
        filters = raw.new_tensor(_MALVAR).view(4, 1, 5, 5) / 16
        padded = F.pad(value[None], (2, 2, 2, 2), mode="reflect")
        green, row, column, cross = F.conv2d(padded, filters)[0]
        red_at, green_at, blue_at = _bayer(raw[index]).bool()
        on_red_row = red_at.any(1, keepdim=True)
        v = value[0]
        along, across = torch.where(on_red_row, row, column), torch.where(on_red_row, column, row)
        red = torch.where(red_at, v, torch.where(blue_at, cross, along))
        blue = torch.where(blue_at, v, torch.where(red_at, cross, across))
        rgb = torch.stack([red, torch.where(green_at, v, green), blue])
        out[index] = rgb * _gains(balance[index])
    return out


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


def sample_qualities(
    batch: int, config: BlurConfig, generator: torch.Generator
) -> Int[Tensor, " b"]:
    """JPEG qualities of 50 to 98 for `jpeg_share` of the samples, 0 (no JPEG) for the others."""
    quality = torch.randint(50, 99, (batch,), generator=generator)
    return quality * (torch.rand(batch, generator=generator) < config.jpeg_share)


def jpeg(image: Float[Tensor, "b 3 h w"], quality: Int[Tensor, " b"]) -> Float[Tensor, "b 3 h w"]:
    """What JPEG of a quality (1 to 100; 0: none) leaves of images in [0, 1].

    The lossy steps of ITU-T T.81 with Annex K's tables, scaled as libjpeg does: JFIF's YCbCr,
    8 x 8 DCT, quantisation. Chroma is halved (4:2:0) below quality 90, as libvips does.
    """
    out = image.clone()
    for index, q in enumerate(quality.tolist()):
        if q:
            out[index] = _jpeg_one(image[index], q)
    return out


def _jpeg_one(image: Float[Tensor, "3 h w"], quality: int) -> Float[Tensor, "3 h w"]:
    height, width = image.shape[-2:]
    pad = (0, -width % 16, 0, -height % 16)
    image = F.pad((image.clamp(0, 1) * 255).round()[None], pad, mode="replicate")
    to_ycc = image.new_tensor(_TO_YCC)
    ycc = torch.einsum("ij,bjhw->bihw", to_ycc, image)
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    luma, chroma = ((t * scale / 100 + 0.5).floor().clamp(1, 255) for t in _tables(image))
    y = _blocks(ycc[:, :1] - 128, luma) + 128
    c = ycc[:, 1:]
    if quality < 90:
        c = F.interpolate(_blocks(F.avg_pool2d(c, 2), chroma), scale_factor=2, mode="bilinear")
    else:
        c = _blocks(c, chroma)
    rgb = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(to_ycc), torch.cat([y, c], dim=1))
    return rgb[0, :, :height, :width].clamp(0, 255).round() / 255


def _blocks(plane: Float[Tensor, "1 c h w"], table: Float[Tensor, "8 8"]) -> Tensor:
    """Each 8 x 8 block through DCT, rounding to multiples of the table, and back."""
    _, c, h, w = plane.shape
    k = torch.arange(8, device=plane.device)
    dct = torch.cos((2 * k + 1) * k[:, None] * (math.pi / 16)) / 2
    dct[0] /= math.sqrt(2)
    blocks = plane.view(c, h // 8, 8, w // 8, 8).transpose(2, 3)
    coefficients = dct @ blocks @ dct.T
    blocks = dct.T @ ((coefficients / table).round() * table) @ dct
    return blocks.transpose(2, 3).reshape(1, c, h, w)


def _tabulate(decode: Curve, encode: Curve) -> Response:
    levels = torch.linspace(0, 1, 256, dtype=torch.float64)
    light = torch.linspace(0, 1, _STEPS + 1, dtype=torch.float64) ** 2
    return Response(decode(levels).float()[None], encode(light).float()[None])


def _with_mosaic(balance: Float[Tensor, "b 2"]) -> list[int]:
    return torch.nonzero(balance[:, 0]).flatten().tolist()


def _gains(balance: Float[Tensor, " 2"]) -> Float[Tensor, "3 1 1"]:
    return torch.stack([balance[0], torch.ones_like(balance[0]), balance[1]])[:, None, None]


def _bayer(like: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
    """1 where a pixel measures the channel: RG in even rows, GB in odd ones."""
    pattern = torch.zeros_like(like)
    pattern[0, ::2, ::2] = pattern[1, ::2, 1::2] = pattern[1, 1::2, ::2] = 1
    pattern[2, 1::2, 1::2] = 1
    return pattern


def _tables(like: Tensor) -> tuple[Tensor, Tensor]:
    return like.new_tensor(_LUMA).view(8, 8), like.new_tensor(_CHROMA).view(8, 8)


_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
# fmt: off
# Times 16: green at red and blue; the row's colour at green; the column's; the other at red, blue.
_MALVAR = (
    0, 0, -2, 0, 0, 0, 0, 4, 0, 0, -2, 4, 8, 4, -2, 0, 0, 4, 0, 0, 0, 0, -2, 0, 0,
    0, 0, 1, 0, 0, 0, -2, 0, -2, 0, -2, 8, 10, 8, -2, 0, -2, 0, -2, 0, 0, 0, 1, 0, 0,
    0, 0, -2, 0, 0, 0, -2, 8, -2, 0, 1, 0, 10, 0, 1, 0, -2, 8, -2, 0, 0, 0, -2, 0, 0,
    0, 0, -3, 0, 0, 0, 4, 0, 4, 0, -3, 0, 12, 0, -3, 0, 4, 0, 4, 0, 0, 0, -3, 0, 0,
)
_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
)
# fmt: on
