"""The training loop: setup, loop, end."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from msgspec.structs import replace

from unblur.errors import RankLostError
from unblur.training import distributed, torchrun
from unblur.training.config import TrainConfig
from unblur.training.data import TrainingData
from unblur.training.folder import RunFolder
from unblur.training.limits import Limits, stop_signals
from unblur.training.meter import Meter
from unblur.training.optimizer import rate
from unblur.training.state import State
from unblur.training.step import Step
from unblur.training.validation import Validator


@dataclass
class Progress:
    """A line of the log, for a display."""

    step: int
    steps: int
    images_per_second: float
    """Since the line before, as are `wait` and `losses`."""
    seconds_left: float
    wait: float
    """Share of the time that the networks waited for data."""
    losses: dict[str, float]
    """Means by name."""
    psnr: float | None
    """PSNR of the latest validation, in dB."""
    gain: float | None
    """That PSNR minus the blurred images' own, in dB."""
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
    restarts: bool = False,
    max_seconds: float = math.inf,
    max_steps: int | None = None,
    save_every: float = 60.0,
    processes: int = 1,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda line: None,
) -> Result:
    """Trains the config's generator and writes a run folder (see `folder`).

    SIGINT, SIGTERM and the time limit end the run after the current step, with a checkpoint.

    Args:
        out: the run folder; to resume, one that has a state.
        init: a checkpoint with initial weights; optimisers start afresh.
        resume: whether to continue `out`, bit for bit on a CPU.
        restarts: whether `out` may have this run already, which then is continued from its last
            checkpoint, or anew if it has none. The time limit counts from the run's start.
        max_seconds: time limit of this call. With `schedule = "time"` the rate reaches its end by
            then; without a limit, a resumed run keeps the end that it had.
        max_steps: the step to stop at, counted from the start of the run.
        save_every: seconds between two checkpoints.
        processes: number of CPU processes to train with, each with the config's batch. All but
            the first are the calling program, started again, and end inside this function.
        report: called for every line of the log.
        say: called with other messages, a line each.

    Raises:
        TrainError: if the folder is taken, holds nothing to resume, or a loss is not finite.
        RankLostError: if another process was killed, or torchrun ends this one by SIGTERM.
        UnblurError: for several processes where there is a GPU.
        DataError, CheckpointError, ContentWeightsError: for unusable inputs.
    """
    began = time.monotonic()
    with distributed.only_rank_zero_fails():
        device = distributed.start(processes)
        if not distributed.is_rank_zero():
            report, say = (lambda progress: None), (lambda line: None)
        run = _Run(config, out, device, init, resume, restarts)
        at = run.state.at
        limits = Limits(run.state, began, max_seconds, max_steps, save_every, restarts)
        with stop_signals(limits):
            reason = _loop(run, limits, report, say)
        distributed.run_on_rank_zero(run.folder.save, run.state)
        if at.best is None and at.step:  # so that every run has a best.safetensors
            _validate(run)
            distributed.run_on_rank_zero(run.folder.save, run.state)
        if torchrun.launched() and limits.stopped_by == signal.SIGTERM:
            # Of one machine, perhaps: its torchrun ends, and those of others begin anew.
            raise RankLostError(
                f"SIGTERM has ended it at step {at.step}, with a checkpoint, from which torchrun, "
                "or the same command, continues",
                file=out,
            )
    if not distributed.is_rank_zero():
        raise SystemExit(0)
    return Result(out, at.step, at.best, reason)


class _Run:
    def __init__(
        self,
        config: TrainConfig,
        out: Path,
        device: torch.device,
        init: Path | None,
        resume: bool,
        restarts: bool,
    ) -> None:
        self.folder, rank = RunFolder(out), distributed.rank()
        check = partial(self.folder.check, resume, config if restarts else None)
        begun = distributed.from_rank_zero(check)
        torch.manual_seed(config.seed + rank)
        share = replace(config.data, cache_gib=config.data.cache_gib / distributed.ranks_here())

        def prepare() -> tuple[TrainingData, Validator, State]:
            data = TrainingData(share, config.blur, config.seed, device, rank)
            validator = Validator(data.validation())
            return data, validator, State(config, device, init if rank == 0 else None)

        # No rank waits for another inside: what one machine lacks ends all.
        self.data, self.validator, self.state = distributed.run_on_all_ranks(prepare)
        if begun:
            distributed.run_on_rank_zero(self.folder.load, self.state)
        self.state.share()
        distributed.run_on_rank_zero(self.folder.begin, config, self.state.at.step)


def _loop(
    run: _Run, limits: Limits, report: Callable[[Progress], None], say: Callable[[str], None]
) -> str:
    """Trains until the last step or a limit; why it ended."""
    state, at, config = run.state, run.state.at, run.state.config
    phases = ((step, config.phase_at(step)[0]) for step in range(at.step, limits.end))
    plan = ((step, phase.crop, phase.batch) for step, phase in phases)
    with run.data.ahead(plan, say) as batches:
        step, meter = Step(state, config.phase_at(at.step)[0], say), Meter()
        for ready in batches:
            batch = distributed.run_on_all_ranks(partial(meter.wait, ready))
            phase, done = config.phase_at(at.step)
            if phase is not step.phase:
                step = Step(state, phase, say)
            lr = rate(config, phase, done, at.seconds / (limits.deadline or 1.0))
            watch = _falls_on(at.step + 1, config.watch_every)
            losses = step(*batch, lr, watch)
            crops = phase.batch * distributed.world_size()
            at.step += 1
            at.crops += crops
            state.average()
            meter.add(at.step, losses)

            ended, save, at.seconds = limits.read()
            check = _falls_on(at.step, config.check_every) or at.step == config.steps
            log = at.step == limits.end or _falls_on(at.step, config.log_every)
            if not (log or check or watch or save or ended):
                continue

            # Here alone the loop waits for a GPU, and ends where a loss is not finite.
            means, speed, wait = distributed.run_on_all_ranks(meter.read)
            if check:
                _validate(run)
                if config.patience and at.stale >= config.patience:
                    ended = ended or f"no better validation in {config.patience} checks"
            line = {"step": at.step, "crops": at.crops, "seconds": round(at.seconds, 2), "lr": lr}
            found = {"psnr": at.psnr, "gain": at.gain} if check else {}
            distributed.run_on_rank_zero(run.folder.log, {**line, **means, **found})
            left = min((limits.end - at.step) / speed, limits.deadline - at.seconds)
            report(Progress(at.step, limits.end, speed * crops, left, wait, means,
                            at.psnr, at.gain, check))  # fmt: skip
            if ended:
                return ended
            if save:
                distributed.run_on_rank_zero(run.folder.save, state)
                limits.saved = limits.now()
            meter = Meter()
    return "all steps done" if limits.end == config.steps else f"stopped at step {limits.end}"


def _validate(run: _Run) -> None:
    """Measures the averaged weights on the held-out images; keeps them if they are the best."""
    if not run.validator.images:
        return
    at, shown, psnr = run.state.at, np.empty(0), 0.0
    if distributed.is_rank_zero():
        psnr, shown = run.validator(run.state.averaged(), run.state.autocast())
    at.psnr = psnr = distributed.broadcast(psnr)
    at.gain = psnr - run.validator.blurred_psnr
    at.stale += 1
    if at.best is None or psnr > at.best:
        at.best, at.stale = psnr, 0
        distributed.run_on_rank_zero(run.folder.save_weights, run.state, "best")
    distributed.run_on_rank_zero(run.folder.save_picture, at.step, shown)


def _falls_on(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
