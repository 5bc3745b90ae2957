"""The lens: slight softness and defocus."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from unblur.blur.part import apply

_SUPERSAMPLING = 7


def soften(
    light: Float[Tensor, "b c h w"], deviations: Float[Tensor, " b"]
) -> Float[Tensor, "b c h w"]:
    """Blurs each image by a Gaussian of its deviation (in pixels, on the host; 0: unchanged)."""

    def blur(images: Tensor, weights: Tensor) -> Tensor:
        return convolve(convolve(images, weights[:, None]), weights[:, :, None])

    at = torch.arange(-3, 4)
    weights = (-0.5 * (at / deviations.clamp_min(0.1)[:, None]) ** 2).exp()
    return apply(light, deviations > 0, blur, weights / weights.sum(1, keepdim=True))


def aperture(shapes: Float[Tensor, "b 3"]) -> Float[Tensor, "b s s"]:
    """The images of discs, or of regular polygons; the sum of each is 1.

    Args:
        shapes: the radius of the disc or the polygon's corners in pixels, the number of its sides
            (0: a disc, else 3 or more), the angle of a corner in radians.
    """
    radius, blades, turn = shapes[:, :, None, None].unbind(1)
    side = 2 * math.ceil(float(radius.max())) + 1
    fine = side * _SUPERSAMPLING
    at = (torch.arange(fine) - (fine - 1) / 2) / _SUPERSAMPLING
    # Distance from the centre to the rim in each direction; a disc is a polygon of 10,000 sides.
    sector = 2 * math.pi / torch.where(blades > 0, blades, 1e4)
    angle = torch.remainder(torch.atan2(at[:, None], at) - turn, sector) - sector / 2
    rim = radius * (sector / 2).cos() / angle.cos()
    kernels = F.avg_pool2d((torch.hypot(at[:, None], at) <= rim).float()[:, None], _SUPERSAMPLING)
    return kernels[:, 0] / kernels.sum((2, 3))[:, :, None]


def defocus(
    light: Float[Tensor, "b c h w"], shapes: Float[Tensor, "b 3"]
) -> Float[Tensor, "b c h w"]:
    """Blurs each image by the aperture of its shape (on the host; radius 0: unchanged)."""
    has = shapes[:, 0] > 0
    if not bool(has.any()):
        return light
    some = aperture(shapes[has]).flip(1, 2)
    kernels = some.new_zeros(len(shapes), *some.shape[1:]).index_put((has,), some)
    return apply(light, has, convolve, kernels)


def convolve(
    images: Float[Tensor, "b c h w"], weights: Float[Tensor, "b i j"]
) -> Float[Tensor, "b c h w"]:
    """Each image correlated with its own weights (of odd sides); the border is replicated."""
    b, c, h, w = images.shape
    i, j = weights.shape[1:]
    padded = F.pad(images, (j // 2, j // 2, i // 2, i // 2), mode="replicate")
    planes = padded.view(1, b * c, *padded.shape[2:])
    out = F.conv2d(planes, weights.repeat_interleave(c, 0)[:, None], groups=b * c)
    return out.view(b, c, h, w)
