"""Checkpoints of unblur as networks."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from unblur.errors import ModelError
from unblur.inference.contract import Contract, Device
from unblur.inference.models import checked_digest
from unblur.inference.options import Precision
from unblur.nets import Generator, checkpoint
from unblur.torch_engine.network import TorchNetwork, computed_on, has_bf16


def load_own(path: Path, device: Device = "cpu", precision: Precision = "f32") -> TorchNetwork:
    """A checkpoint of unblur.

    Args:
        device: "auto" takes a GPU if there is one, else the CPU.
        precision: "auto" and "float" are bf16 where the hardware computes in it natively.

    Raises:
        CheckpointError: if it cannot be read or is not a checkpoint of unblur.
        ModelError: if there is no such device.
    """
    computed = computed_on(
        device,
        lambda where: precision == "bf16" or (precision in ("auto", "float") and has_bf16(where)),
    )
    net, _, _ = checkpoint.load_generator(path)
    computed.moved(net)

    def run(batch: Tensor) -> Tensor:
        return computed(net, batch)

    return TorchNetwork(
        net,
        run,
        contract_of(net),
        checked_digest(path),
        precision=computed.precision,
        description=computed.where,
        opened=(path.absolute(), device, precision),
    )


def is_own(path: Path) -> bool:
    """Whether a .safetensors file is a checkpoint of unblur.

    Raises:
        ModelError: if it is no .safetensors file.
    """
    try:
        with safe_open(path, "pt") as file:
            return {"config", "provenance"} <= (file.metadata() or {}).keys()
    except (OSError, SafetensorError) as error:
        raise ModelError(f"not a safetensors file ({error})", file=path) from None


def contract_of(net: Generator) -> Contract:
    """The contract of a network, which its class states."""
    return Contract(multiple=net.multiple, smallest=net.smallest, change_mask=net.uses_change_mask)
