"""What the machine itself does just now: a matrix product and a copy.

Other figures are read against these: where they too differ from the last run's, the machine
changed, not the program.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch

from benchmarks import Figure, Setup, figure


def run(setup: Setup) -> Iterator[Figure]:
    """Rates on the device that training would take."""
    device = default_device()
    group = str(device)
    side, count = (512, 2**20) if setup.quick else (4096, 2**26)
    yield figure(group, "f32 matrix product", "GFLOP/s", matrix_rate(device, torch.float32, side))
    yield figure(group, "bf16 matrix product", "GFLOP/s", matrix_rate(device, torch.bfloat16, side))
    yield figure(group, "copy, read and written", "GB/s", copy_rate(device, count))


def default_device() -> torch.device:
    """A GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def matrix_rate(device: torch.device, kind: torch.dtype, side: int) -> list[float]:
    """GFLOP/s of a product of two square matrices, eight times."""
    a, b = (torch.randn(side, side, device=device).to(kind) for _ in range(2))

    def once() -> float:
        began = time.perf_counter()
        torch.matmul(a, b)
        wait_for(device)
        return time.perf_counter() - began

    once()
    return [2 * side**3 / once() / 1e9 for _ in range(8)]


def copy_rate(device: torch.device, count: int) -> list[float]:
    """GB/s, read and written, of a copy of so many float32, nine times."""
    source = torch.zeros(count, device=device)
    target = torch.empty_like(source)

    def once() -> float:
        began = time.perf_counter()
        target.copy_(source)
        wait_for(device)
        return time.perf_counter() - began

    once()
    return [2 * source.nbytes / once() / 1e9 for _ in range(9)]


def wait_for(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()
