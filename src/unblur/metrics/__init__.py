"""Metrics of image quality as the tables of this project use them, and the two protocols.

`load` gives any of them by name; `psnr`, `ssim` and the others are plain functions too. Images are
RGB arrays (h, w, 3) of 0 to 255: uint8 as a photo is stored, or float64 after an alignment. A
mask (h, w) of bool says which pixels count.

`full` measures at native size; `paper` resizes both images to 256 x 256 by area before the network
sees them, as the paper does. Figures of the two never stand in one column: down-scaling hides blur.
"""

from __future__ import annotations

from collections.abc import Sequence

from unblur.errors import MetricError
from unblur.metrics.metric import Image, Mask, Metric
from unblur.metrics.peak import psnr, psnr_y
from unblur.metrics.resize import resize_by_area
from unblur.metrics.similarity import ssim, ssim_matlab3d

PROTOCOLS = ("full", "paper")
PAPER_SIZE = 256

EQUAL = 100.0
"""PSNR in dB that equal images count as where a mean over images is taken."""

DEFAULT = ("psnr", "ssim")
"""What is measured unless something else is asked for."""

NAMES = ("psnr", "psnr-y", "ssim", "ssim-3d", "lpips", "dists", "niqe")

__all__ = [
    "DEFAULT",
    "EQUAL",
    "NAMES",
    "PAPER_SIZE",
    "PROTOCOLS",
    "Image",
    "Mask",
    "Metric",
    "load",
    "psnr",
    "psnr_y",
    "resize_by_area",
    "ssim",
    "ssim_matlab3d",
]


def load(names: Sequence[str] = DEFAULT) -> list[Metric]:
    """The metrics of these names, in this order, each ready to measure.

    Only what is asked for is imported; `lpips` and `dists` read their networks here.

    Raises:
        MetricError: for a name that is not in NAMES, or one whose library or weights are missing;
            the message says how to get them.
    """
    return [_load(name) for name in names]


def _load(name: str) -> Metric:
    if name in ("psnr", "psnr-y"):
        from unblur.metrics import peak as module
    elif name in ("ssim", "ssim-3d"):
        from unblur.metrics import similarity as module
    elif name in ("lpips", "dists"):
        from unblur.metrics import perceptual as module
    elif name == "niqe":
        from unblur.metrics import niqe as module
    else:
        raise MetricError(f"{name}: no such metric; there are {', '.join(NAMES)}")
    return module.metric(name)
