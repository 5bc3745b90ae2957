"""Peak signal-to-noise ratio: over the three channels, or over luma alone."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from unblur.metrics.metric import Image, Mask, Metric, library

# Weights of R, G and B in luma (ITU-R BT.601) as in MATLAB's rgb2ycbcr, in thousandths.
_LUMA = np.array([65481, 128553, 24966])
_UNIT = 255_000


def psnr(image: Image, truth: Image, mask: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB (eq. 9), over all pixels and channels; inf if equal.

    With a mask only its pixels count (RealBlur, Rim et al. 2020).
    """
    return _ratio(image.astype(np.float64), truth.astype(np.float64), mask)


def psnr_y(image: Image, truth: Image, mask: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB over luma (16 to 235) with a peak of 255; inf if equal.

    Luma is BT.601's as MATLAB's `rgb2ycbcr` gives it for uint8, rounded to whole numbers. Python
    toolboxes that keep its fraction (BasicSR) read higher, by 0.04 dB at 35 dB.
    """
    return _ratio(_luma(image), _luma(truth), mask)


def metric(name: str) -> Metric:
    """`psnr` or `psnr-y`."""
    function, detail = {
        "psnr": (psnr, "mean over RGB, peak 255"),
        "psnr-y": (psnr_y, "BT.601 luma rounded to 8 bit, peak 255"),
    }[name]
    return Metric(name, name.upper(), "higher", function, library("unblur", detail), digits=2)


def _ratio(image: np.ndarray, truth: np.ndarray, mask: np.ndarray | None) -> float:
    difference = image - truth if mask is None else image[mask] - truth[mask]
    error = np.mean(difference**2)
    return math.inf if error == 0 else float(10 * np.log10(255**2 / error))


def _luma(image: Image) -> Float[np.ndarray, "h w"]:
    if image.dtype != np.uint8:
        return image @ _LUMA / _UNIT + 16
    # In integers: halves occur, and MATLAB rounds them up.
    return ((image @ _LUMA + _UNIT // 2) // _UNIT + 16).astype(np.float64)
