"""Runs checkpoints by PyTorch: unblur's, and those of others that spandrel recognises."""

from __future__ import annotations

from pathlib import Path

from unblur.inference.contract import Device
from unblur.inference.engine import open_network
from unblur.inference.foreign import Foreign
from unblur.inference.options import Precision
from unblur.inference.suffixes import CHECKPOINT, PICKLES
from unblur.torch_engine.foreign import load_foreign
from unblur.torch_engine.network import TorchNetwork
from unblur.torch_engine.own import contract_of, is_own, load_own

__all__ = ["TorchNetwork", "contract_of", "is_own", "load"]


def load(
    path: Path, device: Device = "cpu", precision: Precision = "f32", trust: bool = False
) -> TorchNetwork | Foreign:
    """Opens a checkpoint, or the weights in an ONNX file that unblur exported.

    Args:
        device: "auto" takes a GPU if there is one, else the CPU.
        precision: "auto" and "float" are, for networks of unblur, bf16 where the hardware computes
            in it natively, else f32.
        trust: as `open_network`, which asks for it, was given it.

    Raises:
        CheckpointError: if it is a checkpoint of unblur that cannot be used.
        ModelError: if it cannot be read, is none that spandrel recognises, or there is no such
            device.
    """
    suffix = path.suffix.lower()
    if suffix not in PICKLES and (suffix != CHECKPOINT or is_own(path)):
        return load_own(path, device, precision)
    again = open_network, (path.absolute(), device, precision, None, trust)
    return Foreign(load_foreign(path, device, precision), path, again)
