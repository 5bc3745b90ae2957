"""The training loop."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unblur.errors import TrainError
from unblur.training import distributed
from unblur.training.config import TrainConfig
from unblur.training.data import Batch, TrainingData
from unblur.training.folder import RunFolder
from unblur.training.state import State, rate
from unblur.training.step import Losses, Step
from unblur.training.validation import Validator


@dataclass
class Progress:
    """What a display shows of a run."""

    step: int
    steps: int
    images_per_second: float
    """Since the line before, as the other figures are."""
    seconds_left: float
    wait: float
    """Share of the time that the networks waited for data."""
    losses: dict[str, float]
    psnr: float | None
    """Of the latest validation, in dB."""
    gain: float | None
    """Of the latest validation over the blurred images themselves, in dB."""
    checked: bool
    """Whether this step ended with a validation."""


@dataclass
class Result:
    """How a run ended."""

    out: Path
    step: int
    psnr: float | None
    """Best validation PSNR in dB."""
    reason: str


def train(
    config: TrainConfig,
    out: Path,
    *,
    init: Path | None = None,
    resume: bool = False,
    max_seconds: float = math.inf,
    max_steps: int | None = None,
    save_every: float = 60.0,
    processes: int = 1,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda line: None,
) -> Result:
    """Trains the config's generator and keeps everything in a run folder.

    The folder gets config.toml, log.jsonl (a line every `log_every` steps and every check),
    last.safetensors and best.safetensors (averaged weights), state.pt (all that `resume` needs)
    and pictures/ (blurred, restored, sharp at every check). SIGINT, SIGTERM and the time limit
    end the run after the step at hand, with a checkpoint.

    Args:
        out: the run folder; to resume, one that has a state.
        init: weights to start from, with fresh optimisers.
        resume: whether to go on from `out`, bit for bit on a CPU.
        max_seconds: time limit of this call. Where the config's schedule is "time" the rate falls
            to its end by then; without a limit, a resumed run keeps the end that it had.
        max_steps: stop at this step, counted from the start of the run.
        save_every: seconds between two checkpoints.
        processes: that train together on a CPU, each with the phases' batch. Each one more is the
            program that calls, started again with its arguments; it ends inside this function.
        report: called for every line of the log.
        say: called with what else there is to tell, a line each.

    Raises:
        TrainError: if the folder is taken, holds nothing to resume, or a loss is not finite.
        UnblurError: for several processes where there is a GPU, or one of which was killed.
        DataError, CheckpointError, ContentWeightsError: for unusable inputs.
    """
    began = time.monotonic()
    with distributed.only_first_fails():
        fabric = distributed.start(processes)
        if not fabric.is_global_zero:
            report, say = (lambda progress: None), (lambda line: None)
        folder = RunFolder(out, fabric, resume)
        torch.manual_seed(config.seed + fabric.global_rank)
        share = replace(config.data, cache_gib=config.data.cache_gib / fabric.world_size)
        data = TrainingData(share, config.blur, config.seed, fabric.device, fabric.global_rank)
        validator = Validator(data.validation())
        state = State(config, fabric, init)
        if resume:
            folder.load(state)
        folder.begin(config)

        at = state.at
        end = min(config.steps, max_steps if max_steps is not None else config.steps)
        reason = "all steps done" if end == config.steps else f"stopped at step {end}"
        before, saved = at.seconds - began, time.monotonic()
        deadline = at.seconds + max_seconds
        if config.schedule == "time":
            deadline = at.deadline = deadline if max_seconds < math.inf else at.deadline
        phases = ((step, config.phase_at(step)[0]) for step in range(at.step, end))
        plan = ((step, phase.crop, phase.batch) for step, phase in phases)
        with _stop_signals() as stop, data.ahead(plan, say) as batches:
            step, meter = Step(state, config.phase_at(at.step)[0], say), _Meter()
            for ready in batches:
                batch = distributed.in_all(fabric, partial(meter.wait, ready))
                phase, done = config.phase_at(at.step)
                if phase is not step.phase:
                    step = Step(state, phase, say)
                lr = rate(config, phase, done, at.seconds / (deadline or 1.0))
                watch = _falls_on(at.step + 1, config.watch_every)
                losses = step(*batch, lr, watch)
                at.step += 1
                at.crops += phase.batch * fabric.world_size
                state.average()
                meter.add(at.step, losses)

                now, ended = before + time.monotonic(), None
                if stop.is_set():
                    ended = "stopped by a signal"
                elif now >= deadline:
                    ended = "the time limit"
                save = time.monotonic() - saved >= save_every
                # The clocks of several processes differ: the first one decides.
                ended, save, at.seconds = distributed.agree(fabric, (ended, save, now))
                check = _falls_on(at.step, config.check_every) or at.step == config.steps
                told = at.step == end or _falls_on(at.step, config.log_every)
                if not (told or check or watch or save or ended):
                    continue

                # Until here nobody waits for a GPU; here a loss that is not finite ends the run.
                means, speed, wait = distributed.in_all(fabric, meter.read)
                if check:
                    _validate(state, validator, folder)
                    if config.patience and at.stale >= config.patience:
                        ended = ended or f"no better validation in {config.patience} checks"
                line = {"step": at.step, "crops": at.crops, "seconds": round(at.seconds, 2)}
                found = {"psnr": at.psnr, "gain": at.gain} if check else {}
                folder.log({**line, "lr": lr, **means, **found})
                left = min((end - at.step) / speed, deadline - at.seconds)
                images = speed * phase.batch * fabric.world_size
                report(Progress(at.step, end, images, left, wait, means,
                                at.psnr, at.gain, check))  # fmt: skip
                if ended:
                    reason = ended
                    break
                if save:
                    folder.save(state)
                    saved = time.monotonic()
                meter = _Meter()
        folder.save(state)
        if at.best is None and at.step:
            # So that every run has a best.safetensors.
            _validate(state, validator, folder)
            folder.save(state)
    if not distributed.is_first():
        raise SystemExit(0)
    return Result(out, at.step, at.best, reason)


class _Meter:
    """What came since the last line of the log: time, and losses, which stay on the device."""

    def __init__(self) -> None:
        self._began, self._waited = time.monotonic(), 0.0
        self._rows: list[tuple[int, list[str], Tensor]] = []

    def wait(self, ready: Callable[[], Batch]) -> Batch:
        began = time.monotonic()
        try:
            return ready()
        finally:
            self._waited += time.monotonic() - began

    def add(self, step: int, losses: Losses) -> None:
        self._rows.append((step, [*losses], torch.stack([*losses.values()])))

    def read(self) -> tuple[dict[str, float], float, float]:
        """Each loss, the mean of the steps that have it; steps a second; the share of waiting.

        Raises:
            TrainError: if a loss is not finite.
        """
        found: dict[str, list[float]] = {}
        for step, names, row in self._rows:
            for name, value in zip(names, row.tolist(), strict=True):
                if not math.isfinite(value):
                    raise TrainError(
                        f"step {step}: {name} is {value}; the checkpoint before it is kept. "
                        "Lower lr, or set clip, and --resume"
                    )
                found.setdefault(name, []).append(value)
        means = {name: sum(values) / len(values) for name, values in found.items()}
        spent = time.monotonic() - self._began
        return means, len(self._rows) / spent, self._waited / spent


def _validate(state: State, validator: Validator, folder: RunFolder) -> None:
    """PSNR of the averaged weights on the held-out images, and a picture of four of them."""
    if not validator.images:
        return
    at, shown = state.at, np.empty(0)
    if state.fabric.is_global_zero:
        at.psnr, shown = validator(state.averaged(), state.autocast())
    at.psnr = psnr = distributed.agree(state.fabric, at.psnr)
    assert psnr is not None
    at.gain = psnr - validator.blurred_psnr
    at.stale += 1
    if at.best is None or psnr > at.best:
        at.best, at.stale = psnr, 0
        folder.save_weights(state, "best")
    folder.save_picture(at.step, shown)


def _falls_on(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second SIGINT interrupts at once."""
    stop = threading.Event()

    def handle(number: int, frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
