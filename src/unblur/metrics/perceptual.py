"""LPIPS and DISTS: distances between a network's features of two images, through torchmetrics.

Each needs the weights of a network trained on ImageNet. torchvision downloads them into PyTorch's
cache, `$TORCH_HOME/hub/checkpoints`, unless they are there.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from unblur.errors import Hint, MetricError, TorchvisionError
from unblur.metrics.metric import Image, Mask, Metric, library
from unblur.torchvision_compat import import_torchvision

_SMALLEST = 32  # below it AlexNet has no features left


def metric(name: str) -> Metric:
    """`lpips` (Zhang et al. 2018, v0.1, AlexNet) or `dists` (Ding et al. 2020, VGG-16).

    Both are at native size, on a GPU if there is one. Outside a mask both images become black.

    Raises:
        MetricError: if torchmetrics, torchvision or the weights are missing.
    """
    network = _open(name)

    def distance(image: Image, truth: Image, mask: Mask | None) -> float:
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        tensors = [torch.from_numpy(_prepare(x, mask)).to(device) for x in (image, truth)]
        with torch.inference_mode():
            return float(network.to(device)(*tensors))

    detail = "LPIPS v0.1 of AlexNet" if name == "lpips" else "VGG-16"
    computed = library("torchmetrics", f"{detail}, native size")
    return Metric(name, name.upper(), "lower", distance, computed, smallest=_SMALLEST)


def _open(name: str) -> Any:
    try:
        models = import_torchvision().models
        from torchmetrics.functional.image.dists import DISTSNetwork
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
    except TorchvisionError as error:
        raise MetricError(f"{name}: {error.reason}", hint=error.hint) from None
    except ImportError as error:
        hint = Hint("install", ("metrics",))
        raise MetricError(f"{name} needs {error.name}", hint=hint) from None
    try:
        if name == "lpips":
            return LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)
        # The network itself: torchmetrics' metric reads the weights again for every image.
        return DISTSNetwork()
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        from torch import hub

        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        weights = models.AlexNet_Weights if name == "lpips" else models.VGG16_Weights
        url = weights.DEFAULT.url
        place = Path(hub.get_dir(), "checkpoints", url.rsplit("/", 1)[-1])
        raise MetricError(
            f"{name}: the weights of its network cannot be fetched ({reason}): "
            f"download {url} to {place}"
        ) from None


def _prepare(image: Image, mask: Mask | None) -> np.ndarray:
    """(1, 3, h, w) float32 of 0 to 1."""
    shown = image if mask is None else image * mask[..., None]
    return (shown / 255).clip(0, 1).astype(np.float32).transpose(2, 0, 1)[None]
