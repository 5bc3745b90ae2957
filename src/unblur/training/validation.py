"""Validation on held-out images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from unblur import metrics
from unblur.nets import Generator
from unblur.training.data import ValidationImage

_SHOWN = 4
_SIDE = 256


class Validator:
    """Measures networks on a fixed set of images.

    Attributes:
        blurred_psnr: mean PSNR of the blurred images themselves, in dB.
    """

    def __init__(self, images: list[ValidationImage]) -> None:
        self.images = images
        self.blurred_psnr: float = _mean_psnr([(_hwc(i.blurred), _hwc(i.sharp)) for i in images])

    @torch.no_grad()
    def __call__(self, net: Generator, autocast: torch.autocast) -> tuple[float, np.ndarray]:
        """Mean PSNR in dB, and a picture of four images' centres: blurred, restored, sharp.

        Images are cropped to a multiple of the network's; `autocast` sets the precision.
        """
        device = next(net.parameters()).device
        results, rows = [], []
        with autocast:
            for image in self.images:
                height, width = (n - n % net.multiple for n in image.blurred.shape[1:])
                x = image.blurred[None, :, :height, :width].to(device).float() / 127.5 - 1
                out = net(x.contiguous(memory_format=torch.channels_last))[0].float()
                restored = _hwc(((out + 1) * 127.5).round().to(torch.uint8))
                sharp = _hwc(image.sharp)[:height, :width]
                results.append((restored, sharp))
                if len(rows) < _SHOWN:
                    rows.append(_strip(_hwc(image.blurred), restored, sharp))
        return _mean_psnr(results), np.concatenate(rows)


def _mean_psnr(images: list[tuple[np.ndarray, np.ndarray]]) -> float:
    return float(np.mean([min(metrics.psnr(*pair), 100.0) for pair in images] or [0.0]))


def _strip(*images: np.ndarray) -> np.ndarray:
    """The centres of the images, side by side."""
    middles = []
    for image in images:
        y, x = (max(0, (n - _SIDE) // 2) for n in image.shape[:2])
        middle = image[y : y + _SIDE, x : x + _SIDE]
        short = [(0, _SIDE - n) for n in middle.shape[:2]]
        middles.append(np.pad(middle, [*short, (0, 0)]))
    return np.concatenate(middles, axis=1)


def _hwc(image: Tensor) -> np.ndarray:
    return image.permute(1, 2, 0).cpu().numpy()
