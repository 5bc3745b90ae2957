"""A training step by precision, and how much of the machine training uses.

The network of configs/lite.toml, its first phase. The work of an image is three times the network's
forward operations (the backward pass is two more); losses, optimiser and blur are not counted, so
all of the matrix product's rate is out of reach.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks import ROOT, Figure, Setup, figure, side_by_side
from benchmarks.timing import interleave, timed
from benchmarks.yardstick import default_device, matrix_rate, wait_for
from unblur import checkpoint, config
from unblur.evaluate.checkpoints import gmacs
from unblur.losses import HybridLoss
from unblur.nets import winograd
from unblur.training import Progress, precision_of, train

FIRST = 20
"""Steps that are not counted: kernels are chosen and caches filled in them."""
WINOGRAD = "f32, Winograd"
"""How a CPU trains in float32 (`unblur.nets.winograd`)."""


def run(setup: Setup) -> Iterator[Figure]:
    """Without data, then the real loop with it."""
    first, steps = (1, 2) if setup.quick else (FIRST, 60)
    settings = load(setup)
    phase, device = settings.phases[0], default_device()
    group = f"lite, {phase.batch} crops of {phase.crop}x{phase.crop}"
    ways = {"f32": (False, False), "bf16": (True, False)}
    if device.type == "cpu":
        ways[WINOGRAD] = (False, True)
    nets = {name: timed(step(settings, device, *way)) for name, way in ways.items()}
    times = interleave(nets, steps, first)
    yield from side_by_side(f"{group}, a step without data", "s", times)

    half = precision_of(settings.precision) == "bf16-mixed"
    kind = "bf16" if half else WINOGRAD if WINOGRAD in ways else "f32"
    rate = statistics.median(
        matrix_rate(device, torch.bfloat16 if half else torch.float32, 512 if setup.quick else 4096)
    )
    # The backward pass costs twice the forward one; an addition is an operation of its own.
    work = 3 * 2 * gmacs(checkpoint.build_generator(settings), settings.phases[0].crop)
    whole, wait = with_data(settings, first, steps)
    alone = [phase.batch / seconds for seconds in times[kind]]
    yield from side_by_side(
        f"{group}, {kind}", "images/s", {"without data": alone, "with data": [whole] * len(alone)}
    )
    for name, images in (("without data", statistics.median(alone)), ("with data", whole)):
        yield figure(f"{group}, {kind}", f"{name}, of the matrix product", "%",
                     100 * images * work / rate)  # fmt: skip
    yield figure(f"{group}, {kind}", "waiting for data", "%", 100 * wait)


def load(setup: Setup) -> config.TrainConfig:
    """The default network's config; its photos are the examples unless others are named."""
    settings = config.load(ROOT / "configs" / "lite.toml")
    settings = config.override(settings, [setup.photos or ROOT / "examples"], None)
    settings = dataclasses.replace(settings, fit=config.FitConfig())
    if not setup.quick:
        return settings
    small = dataclasses.replace(settings.phases[0], crop=32, batch=2)
    data = dataclasses.replace(settings.data, val_images=1)
    return dataclasses.replace(settings, phases=(small,), data=data)


def step(
    settings: config.TrainConfig, device: torch.device, half: bool, fast: bool
) -> Callable[[], None]:
    """Forward, loss, backward and update on one batch, the same each time."""
    phase = settings.phases[0]
    net: Any = checkpoint.build_generator(settings).to(device)
    if fast:
        winograd.speed_up(net)
    net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-5)
    loss = HybridLoss(phase.loss)
    batch = torch.rand(2, phase.batch, 3, phase.crop, phase.crop, device=device) * 2 - 1
    blurred, sharp = (x.contiguous(memory_format=torch.channels_last) for x in batch)

    def once() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            restored = net(blurred)
        optimizer.zero_grad()
        loss(restored, sharp)["total"].backward()
        optimizer.step()
        wait_for(device)

    return once


def with_data(settings: config.TrainConfig, first: int, steps: int) -> tuple[float, float]:
    """Images a second of the real loop over its last 50 steps, and the share of waiting."""
    seen: list[Progress] = []
    with tempfile.TemporaryDirectory() as folder:
        train(settings, Path(folder) / "run", max_steps=first + steps, report=seen.append)
    return seen[-1].images_per_second, statistics.mean(p.wait for p in seen[first:])
