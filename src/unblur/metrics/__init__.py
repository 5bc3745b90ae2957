"""Metrics of image quality, and the two protocols to measure by.

`load` gives any of them by name; `psnr`, `ssim` and the others are plain functions too. Images are
RGB arrays (h, w, 3) of 0 to 255: uint8 as a photo is stored, or float64 after an alignment. A
mask (h, w) of bool says which pixels count.

`full` measures at native size; `paper` resizes both images to 256 x 256 by area before the network
is run, as the paper does. Down-scaling hides blur, so their scores never share a column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unblur.errors import MetricError
from unblur.metrics import niqe, perceptual
from unblur.metrics.metric import Image, Mask, Metric
from unblur.metrics.psnr import metric as psnr_metric
from unblur.metrics.psnr import psnr, psnr_y
from unblur.metrics.resize import resize_by_area
from unblur.metrics.ssim import metric as ssim_metric
from unblur.metrics.ssim import ssim, ssim_matlab3d

__all__ = [
    "DEFAULT", "EQUAL", "NAMES", "PAPER_SIZE", "PROTOCOLS",
    "Image", "Mask", "Metric",
    "load", "psnr", "psnr_y", "resize_by_area", "ssim", "ssim_matlab3d",
]  # fmt: skip

PROTOCOLS = ("full", "paper")
PAPER_SIZE = 256
EQUAL = 100.0
"""PSNR in dB that equal images count as where a mean over images is taken."""
DEFAULT = ("psnr", "ssim")
_METRICS: dict[str, Callable[[str], Metric]] = {
    "psnr": psnr_metric,
    "psnr-y": psnr_metric,
    "ssim": ssim_metric,
    "ssim-3d": ssim_metric,
    "lpips": perceptual.metric,
    "dists": perceptual.metric,
    "niqe": niqe.metric,
}
NAMES = tuple(_METRICS)


def load(names: Sequence[str] = DEFAULT) -> list[Metric]:
    """The metrics of these names, in this order.

    `lpips` and `dists` import PyTorch and read their networks here.

    Raises:
        MetricError: for a name that is not in NAMES, or a metric whose library or weights are
            missing; the message says how to get them.
    """
    for name in names:
        if name not in _METRICS:
            raise MetricError(f"{name}: no such metric; there are {', '.join(NAMES)}")
    return [_METRICS[name](name) for name in names]
