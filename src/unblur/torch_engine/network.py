"""A PyTorch module as a network, with the interface of the ONNX engine."""

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
from unblur.inference.contract import Contract, Device
from unblur.inference.options import Precision


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
    opened: tuple[Path, Device, Precision] | None = None
    """The arguments of `load`, by which it is pickled."""
    _lock: Lock = field(default_factory=Lock)

    def __reduce__(self) -> tuple[Any, ...]:
        from unblur import torch_engine

        if self.opened is None:
            raise TypeError("a network that is not of a checkpoint's file cannot be pickled")
        return torch_engine.load, self.opened

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        with self._lock, torch.inference_mode():
            return self.run(torch.from_numpy(batch)).numpy()


@dataclass(frozen=True)
class Computed:
    """Where and in what PyTorch computes a checkpoint."""

    device: torch.device
    half: bool

    @property
    def precision(self) -> str:
        return "bf16" if self.half else "f32"

    @property
    def where(self) -> str:
        """For example: PyTorch on the CPU in bf16."""
        place = "the CPU" if self.device.type == "cpu" else "CUDA"
        return f"PyTorch on {place} in {self.precision}"

    def moved(self, net: nn.Module) -> nn.Module:
        # pyright does not know that `to` takes the layout alone.
        return net.to(self.device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def __call__(self, net: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
        """The network's output in float32 on the CPU."""
        image = batch.to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            return net(image).float().cpu()


def computed_on(device: Device, half: Callable[[torch.device], bool]) -> Computed:
    """The place and the precision for a checkpoint.

    Args:
        device: "auto" takes a GPU if there is one, else the CPU.
        half: whether a device computes in bf16.

    Raises:
        ModelError: if there is no such device.
    """
    if device == "gpu" and not torch.cuda.is_available():
        raise ModelError("PyTorch finds no GPU")
    where = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
    return Computed(where, half(where))


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware computes in bf16 natively."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
