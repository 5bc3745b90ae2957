"""The machine's own speed at the moment: a matrix product and a copy.

Where these differ from the last run's as well, the machine has changed, not the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from benchmarks import Figure, Setup, figure
from benchmarks.timing import timed


def run(setup: Setup) -> Iterator[Figure]:
    """Rates on the device that training would use."""
    device = default_device()
    side, count = (512, 2**20) if setup.quick else (4096, 2**26)
    for name, kind in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        rates = matrix_rates(device, kind, side)
        yield figure(str(device), f"{name} matrix product", "GFLOP/s", rates)
    source = torch.zeros(count, device=device)
    target = torch.empty_like(source)
    rates = _rates(lambda: target.copy_(source), 2 * source.nbytes, device)
    yield figure(str(device), "copy, read and written", "GB/s", rates)


def default_device() -> torch.device:
    """A GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def matrix_rates(device: torch.device, kind: torch.dtype, side: int) -> list[float]:
    """GFLOP/s of eight products of two square matrices."""
    a, b = (torch.randn(side, side, device=device).to(kind) for _ in range(2))
    return _rates(lambda: torch.matmul(a, b), 2 * side**3, device)


def wait_for(device: torch.device) -> None:
    """Wait until the device has done all that was queued."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def _rates(work: Callable[[], object], amount: float, device: torch.device) -> list[float]:
    """Amount per second, in billions, of eight runs after one to warm up."""
    once = timed(lambda: (work(), wait_for(device)))
    return [amount / once() / 1e9 for _ in range(9)][1:]
