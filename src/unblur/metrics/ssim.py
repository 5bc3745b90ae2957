"""Structural similarity: per channel, as is recommended, or over a volume, as in MATLAB."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from unblur.errors import MetricError
from unblur.metrics.metric import Image, Mask, Metric, library

_SIGMA = 1.5
_RADIUS = 5  # an 11-pixel window (Wang et al. 2004)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(image: Image, truth: Image, mask: Mask | None = None) -> float:
    """Structural similarity (eq. 10) as GoPro's author recommends: Gaussian window, per channel.

    scikit-image with sigma 1.5 and biased covariance; five pixels at each border do not count. With
    a mask the mean is over its pixels, as RealBlur's evaluation takes it. Much of the literature
    used a 3-D window across the channels (`ssim_matlab3d`), which reads 0.05 to 0.08 higher.
    """
    from skimage.metrics import structural_similarity

    result: Any = structural_similarity(
        image,
        truth,
        gaussian_weights=True,
        sigma=_SIGMA,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
        full=mask is not None,
    )
    if mask is None:
        return float(result)
    inner = np.s_[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]
    if not mask[inner].any():
        raise MetricError("ssim: the mask leaves only the border, which SSIM does not count")
    return float(result[1][inner][mask[inner]].mean())


def ssim_matlab3d(image: Image, truth: Image, mask: Mask | None = None) -> float:
    """What MATLAB's `ssim` gives for RGB images: one 11 x 11 x 11 Gaussian window over a volume.

    The channels are the volume's depth and its border is replicated, so that R and B fill most of
    each window. Many published figures are of this kind (MPRNet, HINet, NAFNet); it reads higher
    than `ssim`, and the two never share a column.
    """
    x, y = image.astype(np.float64), truth.astype(np.float64)
    mean_x, mean_y = _blur(x), _blur(y)
    var_x = _blur(x * x) - mean_x**2
    var_y = _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    upper = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    scores = upper / ((mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2))
    return float(scores.mean() if mask is None else scores[mask].mean())


def metric(name: str) -> Metric:
    """`ssim` or `ssim-3d`."""
    if name == "ssim":
        title, function = "SSIM", ssim
        computed = library("scikit-image", "Gaussian window of sigma 1.5, per channel")
    else:
        title, function = "SSIM (3-D)", ssim_matlab3d
        computed = library("unblur", "as MATLAB's ssim on RGB, 3-D window across the channels")
    return Metric(name, title, "higher", function, computed, smallest=2 * _RADIUS + 1)


def _blur(volume: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(volume, _SIGMA, mode="nearest", radius=_RADIUS)
