"""How much of the machine training uses: images a second as a share of its matrix rate.

    python benchmarks/training.py CONFIG.toml --data DIR... [--steps N]

The matrix rate is that of a product of two 4096 x 4096 matrices in the precision that training
uses. The work of an image is three times the network's forward operations (the backward pass is
two more); losses, optimiser and blur are not counted, so a share of 1 is out of reach. The first
phase is measured; it must be one without an adversarial or a content term.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from unblur import checkpoint, config
from unblur.losses import HybridLoss
from unblur.train import Progress, precision_of, train

FIRST = 20
"""Steps that are not counted: kernels are chosen and caches filled in them."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--steps", type=int, default=60)
    arguments = parser.parse_args()
    settings = config.override(config.load(arguments.config), arguments.data, None)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    half = precision_of(settings.precision) == "bf16-mixed"
    rate = matrix_rate(device, torch.bfloat16 if half else torch.float32)
    work = 3 * forward_operations(settings) / 1e9
    alone = network_alone(settings, device, half, arguments.steps)
    whole, wait = with_data(settings, arguments.steps)
    phase = settings.phases[0]
    print(f"{phase.batch} crops of {phase.crop}x{phase.crop}, {'bf16' if half else 'f32'}, "
          f"{work:.1f} GFLOP an image")  # fmt: skip
    print(f"matrix product       {rate:8.0f} GFLOP/s")
    for name, images in (("network and loss", alone), ("with data", whole)):
        share = images * work / rate
        print(f"{name:20} {images:8.1f} images/s {images * work:8.0f} GFLOP/s  {share:.0%} of it")
    print(f"waiting for data     {wait:8.1%} of the time")


def matrix_rate(device: torch.device, kind: torch.dtype) -> float:
    """GFLOP/s: the best of eight."""
    side = 4096
    a, b = (torch.randn(side, side, device=device).to(kind) for _ in range(2))

    def once() -> float:
        began = time.perf_counter()
        torch.matmul(a, b)
        wait_for(device)
        return time.perf_counter() - began

    once()
    return 2 * side**3 / min(once() for _ in range(8)) / 1e9


def forward_operations(settings: config.TrainConfig) -> float:
    side = settings.phases[0].crop
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        checkpoint.build_generator(settings)(torch.zeros(1, 3, side, side))
    return counter.get_total_flops()


def network_alone(
    settings: config.TrainConfig, device: torch.device, half: bool, steps: int
) -> float:
    """Images a second of forward, loss, backward and step on one batch."""
    phase = settings.phases[0]
    net: Any = checkpoint.build_generator(settings).to(device)
    net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-5)
    loss = HybridLoss(phase.loss)
    batch = torch.rand(2, phase.batch, 3, phase.crop, phase.crop, device=device) * 2 - 1
    blurred, sharp = (x.contiguous(memory_format=torch.channels_last) for x in batch)
    times = []
    for _ in range(FIRST + steps):
        began = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            restored = net(blurred)
        optimizer.zero_grad()
        loss(restored, sharp)["total"].backward()
        optimizer.step()
        wait_for(device)
        times.append(time.perf_counter() - began)
    return phase.batch / statistics.median(times[FIRST:])


def with_data(settings: config.TrainConfig, steps: int) -> tuple[float, float]:
    """Images a second of the real loop over its last 50 steps, and the share of waiting."""
    seen: list[Progress] = []
    with tempfile.TemporaryDirectory() as folder:
        train(settings, Path(folder) / "run", max_steps=FIRST + steps, report=seen.append)
    return seen[-1].images_per_second, statistics.mean(p.wait for p in seen[FIRST:])


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
