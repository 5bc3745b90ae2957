"""PSNR and SSIM as the tables of this project use them, and the two protocols.

Both take uint8 RGB arrays (h, w, 3). `full` measures at native size; `paper` resizes both images
to 256 x 256 by area before the network sees them, as the paper does. Figures of the two never
stand in one column: down-scaling hides blur.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import UInt8

PROTOCOLS = ("full", "paper")
PAPER_SIZE = 256

Image = UInt8[np.ndarray, "h w 3"]


def psnr(image: Image, truth: Image) -> float:
    """Peak signal-to-noise ratio in dB (eq. 9), over all pixels and channels; inf if equal."""
    error = np.mean((image.astype(np.float64) - truth.astype(np.float64)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(image: Image, truth: Image) -> float:
    """Structural similarity (eq. 10) as GoPro's author recommends: Gaussian window, per channel.

    scikit-image with sigma 1.5 and biased covariance. Much of the literature used a 3-D window
    across the channels, which reads 0.05 to 0.08 higher.
    """
    from skimage.metrics import structural_similarity

    score: Any = structural_similarity(
        image,
        truth,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
    )
    return float(score)


def resize_by_area(image: Image, height: int, width: int) -> UInt8[np.ndarray, "i j 3"]:
    """Each new pixel is the mean of the area that it covers, rounded to 8 bit."""
    from skimage.transform import resize_local_mean

    resized = resize_local_mean(image, (height, width), channel_axis=-1, preserve_range=True)
    return np.rint(resized).clip(0, 255).astype(np.uint8)
