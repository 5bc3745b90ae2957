"""A PyTorch network where an ONNX engine is expected: checkpoints as they were trained."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from torch import Tensor, nn

from unblur.errors import ModelError
from unblur.inference.engine import WHOLE, Contract, Device, Precision
from unblur.nets import Generator, checkpoint


@dataclass(frozen=True)
class TorchNetwork:
    """What `engine.Network` asks for, computed by PyTorch, one batch at a time."""

    net: nn.Module
    run: Callable[[Tensor], Tensor]
    """(1, 3, h, w) in [-1, 1] in and out."""
    contract: Contract
    digest: str
    parallel: int = 1
    precision: str = "f32"
    description: str = "PyTorch on the CPU in f32"
    largest: int = WHOLE
    """Largest side of a tile, in pixels, that it can take."""
    _alone: Lock = field(default_factory=Lock)

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        with self._alone, torch.inference_mode():
            return self.run(torch.from_numpy(batch)).numpy()


def load(path: Path, device: Device = "cpu", precision: Precision = "f32") -> TorchNetwork:
    """A checkpoint of unblur.

    Args:
        device: "auto" takes a GPU if there is one, else the CPU.
        precision: "auto" and "float" compute in bf16 where the hardware does so natively.

    Raises:
        CheckpointError: if it cannot be read or is none of unblur's.
        ModelError: if there is no such device.
    """
    if device == "gpu" and not torch.cuda.is_available():
        raise ModelError("PyTorch finds no GPU; leave the device out, or use the CPU")
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
    said = f"PyTorch on {'the CPU' if where.type == 'cpu' else 'CUDA'} in {computed}"
    network = TorchNetwork(net, run, contract_of(net), digest_of(path))
    return replace(network, precision=computed, description=said)


def contract_of(net: Generator) -> Contract:
    """What a trained network asks of its input."""
    return Contract(multiple=net.multiple, smallest=net.smallest, gated=net.gated)


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware computes in bf16 natively."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
