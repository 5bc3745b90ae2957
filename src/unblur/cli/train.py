"""`unblur train`: a network, from a config."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from unblur.cli.errors import FAILED, WRONG, fail, needs, reported
from unblur.cli.options import takes
from unblur.cli.output import echo, say
from unblur.inference.options import option
from unblur.training import torchrun

if TYPE_CHECKING:
    from unblur.training.config import TrainConfig


@dataclass(frozen=True)
class Options:
    config: Path | None = option(
        None, "Network, data, blur and phases.", argument=True, metavar="CONFIG.toml"
    )
    data: tuple[Path, ...] = option((), "Folder of pairs or of sharp photos; repeatable.")
    init: Path | None = option(None, "Weights to start from, with a new optimiser.")
    resume: Path | None = option(None, "Run folder to continue, with its own config and data.")
    max_time: float | None = option(None, "Stop after this time, with a checkpoint.", duration=True)
    max_steps: int | None = option(
        None, "Stop at this step, counted from the run's start.", least=1
    )
    out: Path | None = option(None, "Run folder; by default runs/NAME-DATE.")
    content_weights: Path | None = option(None, "File with the content network's weights.")
    processes: int = option(
        1, "Number of CPU processes to train with, each with a whole batch.", least=1
    )


@takes(Options)
def train(given: Options) -> None:
    """Train a network."""
    if (reason := torchrun.gave_up()) is not None:
        torchrun.give_up(reason)  # again, as what has ended this attempt
        raise typer.Exit(FAILED)
    if given.config is None and given.resume is None:
        _wrong("name a CONFIG.toml for a new run, or --resume RUN to continue one")
    if given.resume is not None and (given.init or given.out not in (None, given.resume)):
        _wrong("--resume continues a run in its own folder: leave out --init and --out")
    if torchrun.launched() and given.resume is None and given.out is None:
        _wrong("torchrun may start this again: name the run folder, to be continued, with --out")
    if torchrun.launched() and given.processes > 1:
        _wrong("torchrun starts the processes, by --nproc-per-node: leave out --processes")
    with needs("train"):
        from unblur.cli.progress import show
        from unblur.training import distributed
        from unblur.training.loop import train as run
    with reported(), distributed.only_rank_zero_fails():
        config = distributed.agreed(_config, given)
        name = given.config.stem if given.config else ""
        out = given.out or Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M')}"
        with show(config) as report:
            result = run(
                config,
                given.resume or out,
                init=given.init,
                resume=given.resume is not None,
                restarts=torchrun.launched() and given.resume is None,
                max_seconds=math.inf if given.max_time is None else given.max_time,
                max_steps=given.max_steps,
                processes=given.processes,
                report=report,
                say=say,
            )
    best = "" if result.psnr is None else f", best validation {result.psnr:.2f} dB"
    echo(f"{result.out}: step {result.step}{best} ({result.reason})")


def _wrong(message: str) -> NoReturn:
    if torchrun.launched():
        torchrun.give_up(message)
        if not torchrun.is_rank_zero():
            raise typer.Exit(torchrun.silent_end())
    fail(message, WRONG)


def _config(given: Options) -> TrainConfig:
    """The config of a new run, or of a resumed one, which no option may change."""
    from unblur.training import config as configs

    if given.resume is None:
        assert given.config is not None
        return configs.override(configs.load(given.config), given.data, given.content_weights)
    own = configs.load(given.resume / "config.toml")
    asked = configs.load(given.config) if given.config else own
    asked = configs.override(asked, given.data or own.data.dirs, given.content_weights)
    configs.require_equal(asked, own, f"{given.resume} was started")
    return own
