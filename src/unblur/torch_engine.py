"""Runs checkpoints by PyTorch, with the interface of the ONNX engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unblur.errors import ModelError
from unblur.inference.contract import UNTILED, Contract, Device, digest_of
from unblur.inference.options import Precision
from unblur.nets import Generator, checkpoint


@dataclass(frozen=True)
class TorchNetwork:
    """A PyTorch module as a `contract.Network`; one batch at a time."""

    net: nn.Module
    run: Callable[[Tensor], Tensor]
    """Takes and returns (1, 3, h, w) in [-1, 1]."""
    contract: Contract
    digest: str
    parallel: int = 1
    precision: str = "f32"
    description: str = "PyTorch on the CPU in f32"
    largest: int = UNTILED
    """Largest side of a tile, in pixels, that it takes."""
    opened: tuple[Path, Device, Precision] | None = None
    """The arguments of `load`, by which it is pickled."""
    _lock: Lock = field(default_factory=Lock)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.opened is None:
            raise TypeError("a network that is not of a checkpoint's file cannot be pickled")
        return load, self.opened

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        with self._lock, torch.inference_mode():
            return self.run(torch.from_numpy(batch)).numpy()


def load(path: Path, device: Device = "cpu", precision: Precision = "f32") -> TorchNetwork:
    """Loads a checkpoint of unblur.

    Args:
        device: "auto" takes a GPU if there is one, else the CPU.
        precision: "auto" and "float" are bf16 where the hardware computes in it natively.

    Raises:
        CheckpointError: if it cannot be read or is not a checkpoint of unblur.
        ModelError: if there is no such device.
    """
    if device == "gpu" and not torch.cuda.is_available():
        raise ModelError("PyTorch finds no GPU")
    net, _, _ = checkpoint.load_generator(path)
    where = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
    # pyright does not know that `to` takes the layout alone.
    net.to(where).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    half = precision == "bf16" or (precision in ("auto", "float") and has_bf16(where))

    def run(batch: Tensor) -> Tensor:
        image = batch.to(where, memory_format=torch.channels_last)
        with torch.autocast(where.type, torch.bfloat16, enabled=half):
            return net(image).float().cpu()

    computed = "bf16" if half else "f32"
    description = f"PyTorch on {'the CPU' if where.type == 'cpu' else 'CUDA'} in {computed}"
    return TorchNetwork(
        net,
        run,
        contract_of(net),
        digest_of(path),
        precision=computed,
        description=description,
        opened=(path.absolute(), device, precision),
    )


def contract_of(net: Generator) -> Contract:
    """The contract of a network, which its class states."""
    return Contract(multiple=net.multiple, smallest=net.smallest, change_mask=net.uses_change_mask)


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware computes in bf16 natively."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
