"""Imports torchvision beside a PyTorch of another build, such as a CPU build.

The compiled operators of such a torchvision do not load, and its import fails where it describes
two of them, nms and qnms. So does that of torchmetrics and lightning, which import torchvision
where it is installed. Networks of classification call neither operator.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from unblur.errors import Hint, TorchvisionError

_libraries: list[Any] = []  # kept, for operators are undefined with the object that defined them


def import_torchvision() -> Any:
    """The module torchvision. Call it before importing torchmetrics or lightning.

    On exactly that failure the two operators are defined without code, and the import is repeated.

    Raises:
        TorchvisionError: if it is not installed or does not import.
    """
    try:
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise
            _define_operators()
        return importlib.import_module("torchvision")
    except (ImportError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise TorchvisionError(
            f"a torchvision that belongs to the installed PyTorch is needed ({reason})",
            hint=Hint("install", ("metrics",)),
        ) from None


def import_fabric() -> Any:
    """The class Fabric of lightning.

    Raises:
        TorchvisionError: if torchvision is installed and does not import.
    """
    if find_spec("torchvision"):
        import_torchvision()
    return importlib.import_module("lightning.fabric").Fabric


def _define_operators() -> None:
    import torch

    _libraries.append(torch.library.Library("torchvision", "FRAGMENT"))
    for name in ("nms", "qnms"):
        _libraries[-1].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
