"""A training step by precision, the whole loop with its data, and the share of the machine's speed.

The recipe of configs/default.toml; on a CPU in batches of two. The work of an image is counted as
three times the network's forward operations, since the backward pass takes two more; loss,
optimiser and blur are not counted, so that 100 % of the matrix product's rate cannot be reached.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace

from benchmarks import ROOT, Figure, Setup, figure, side_by_side
from benchmarks.timing import interleave, timed
from benchmarks.yardstick import default_device, matrix_rates, wait_for
from unblur.nets import build_generator
from unblur.torch_engine.counting import gmacs
from unblur.training import config, distributed
from unblur.training.loop import Progress, train
from unblur.training.state import State, bf16
from unblur.training.step import Step

FIRST = 20
"""Steps that are not counted: kernels are chosen and caches filled."""


def run(setup: Setup) -> Iterator[Figure]:
    """Steps without data, then the real loop with its data."""
    first, steps = (1, 2) if setup.quick else (FIRST, 60)
    settings, device = load(setup), default_device()
    phase = settings.phases[0]
    ways: dict[str, dict[str, Any]] = {
        "f32": {"precision": "32-true"},
        "bf16": {"precision": "bf16-mixed"},
    }
    if device.type == "cuda":
        ways["bf16, no graph"] = {"precision": "bf16-mixed", "graph": False}
        ways["bf16, not compiled"] = {"precision": "bf16-mixed", "compile": "off"}
    group = f"{phase.batch} crops of {phase.crop}x{phase.crop}"
    nets = {name: timed(step(replace(settings, **way))) for name, way in ways.items()}
    times = interleave(nets, steps, first)
    yield from side_by_side(f"{group}, a step without data", "s", times)

    half = bf16(settings, device)
    kind = "bf16" if half else "f32"
    number = torch.bfloat16 if half else torch.float32
    rate = statistics.median(matrix_rates(device, number, 512 if setup.quick else 4096))
    # Forward, and twice as much backward; a multiply-add is two operations.
    work = 3 * 2 * gmacs(build_generator(settings.network), phase.crop)
    until, seen = with_data(settings, first, steps)
    alone = [phase.batch / seconds for seconds in times[kind]]
    whole = [progress.images_per_second for progress in seen]
    yield from side_by_side(
        f"{group}, {kind}", "images/s", {"without data": alone, "with data": whole}
    )
    for name, images in (("without data", alone), ("with data", whole)):
        yield figure(f"{group}, {kind}", f"{name}, of the matrix product", "%",
                     100 * statistics.median(images) * work / rate)  # fmt: skip
    wait = statistics.mean(progress.wait for progress in seen)
    yield figure(f"{group}, {kind}", "waiting for data", "%", 100 * wait)
    yield figure(f"{group}, {kind}", f"from the start to step {first}", "s", until)


def load(setup: Setup) -> config.TrainConfig:
    """The default config, with the example photos unless others are given."""
    settings = config.load(ROOT / "configs" / "default.toml")
    settings = config.override(settings, [setup.photos or ROOT / "examples"], None)
    phase = settings.phases[0]
    if setup.quick:
        phase = replace(phase, crop=32, batch=2)
    elif default_device().type == "cpu":
        phase = replace(phase, batch=2)
    data = replace(settings.data, val_images=1)
    every = 1 if setup.quick else FIRST
    return replace(settings, phases=(phase,), data=data, log_every=every)


def step(settings: config.TrainConfig) -> Callable[[], None]:
    """A function that does the loop's step on one batch, the same at each call."""
    state, phase = State(settings, distributed.start(1)), settings.phases[0]
    learn = Step(state, phase, print)
    images = torch.rand(2, phase.batch, 3, phase.crop, phase.crop, device=state.device) * 2 - 1
    blurred, sharp = (x.contiguous(memory_format=torch.channels_last) for x in images)

    def once() -> None:
        learn(blurred, sharp, 1e-5)
        wait_for(state.device)

    return once


def with_data(settings: config.TrainConfig, first: int, steps: int) -> tuple[float, list[Progress]]:
    """Seconds from the start of the real loop to its first line, and the lines after it."""
    seen: list[tuple[float, Progress]] = []
    began = time.perf_counter()

    def report(progress: Progress) -> None:
        seen.append((time.perf_counter() - began, progress))

    with tempfile.TemporaryDirectory() as folder:
        train(settings, Path(folder) / "run", max_steps=first + steps, report=report)
    return seen[0][0], [progress for _, progress in seen[1:]]
