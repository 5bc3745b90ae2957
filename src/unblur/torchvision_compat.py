"""torchvision, even beside a PyTorch of another build."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from unblur.errors import TorchvisionError

_kept: list[Any] = []  # operators' names vanish with the object that made them


def import_torchvision() -> Any:
    """The module torchvision.

    Beside a PyTorch of another build (a CPU PyTorch, a CUDA torchvision) its compiled operators do
    not load, and it fails as it describes two of them, nms and qnms. Networks of classification
    call neither. On exactly that failure their names are made known, without code behind them, and
    the import is done again. Call it before importing torchmetrics or lightning, which import
    torchvision where it is installed, and fail with it.

    Raises:
        TorchvisionError: if it is not installed or does not import.
    """
    import torch

    try:
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise
        library = torch.library.Library("torchvision", "FRAGMENT")
        _kept.append(library)
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return importlib.import_module("torchvision")
    except ImportError as error:
        reason = f"torchvision is needed ({error})"
    except RuntimeError as error:
        reason = f"torchvision does not import ({str(error).splitlines()[0]})"
    raise TorchvisionError(
        f"{reason}: install the torchvision that belongs to PyTorch {torch.__version__}"
    )


def import_fabric() -> Any:
    """Lightning's Fabric, also where torchvision is of another build than PyTorch.

    Raises:
        TorchvisionError: if torchvision is installed and does not import.
    """
    if find_spec("torchvision"):
        import_torchvision()
    return importlib.import_module("lightning.fabric").Fabric
