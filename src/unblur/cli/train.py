"""`unblur train`: a network, from a config."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unblur.cli.errors import WRONG, fail, needs, reported
from unblur.cli.options import declared
from unblur.cli.output import echo, say
from unblur.inference.options import Option

if TYPE_CHECKING:
    from unblur.training.config import TrainConfig


def train(
    config: Annotated[
        Path | None, typer.Argument(metavar="CONFIG.toml", help="Network, data, blur and phases.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Folder of pairs or of sharp photos; repeatable."),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="Weights to start from, with a new optimiser.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Run folder to continue, with its own config and data."),
    ] = None,
    max_time: Annotated[
        float | None,
        declared(Option("Stop after this time, with a checkpoint.", duration=True)),
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="Stop at this step, counted from the run's start.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/NAME-DATE.")] = None,
    content_weights: Annotated[
        Path | None, typer.Option(help="File with the content network's weights.")
    ] = None,
    processes: Annotated[
        int,
        typer.Option(min=1, help="Number of CPU processes to train with, each with a whole batch."),
    ] = 1,
) -> None:
    """Train a network."""
    if config is None and resume is None:
        fail("name a CONFIG.toml for a new run, or --resume RUN to continue one", WRONG)
    if resume is not None and (init is not None or out not in (None, resume)):
        fail("--resume continues a run in its own folder: leave out --init and --out", WRONG)
    with needs("train"):
        from unblur.cli.progress import show
        from unblur.training.loop import train as run
    with reported():
        settings = _settings(config, resume, data, content_weights)
        name = config.stem if config else ""
        out = resume or out or Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M')}"
        with show(settings) as report:
            result = run(
                settings,
                out,
                init=init,
                resume=resume is not None,
                max_seconds=math.inf if max_time is None else max_time,
                max_steps=max_steps,
                processes=processes,
                report=report,
                say=say,
            )
    best = "" if result.psnr is None else f", best validation {result.psnr:.2f} dB"
    echo(f"{result.out}: step {result.step}{best} ({result.reason})")


def _settings(
    config: Path | None, resume: Path | None, data: list[Path] | None, content_weights: Path | None
) -> TrainConfig:
    """The config of a new run, or of a resumed one, which the given options must not change."""
    from unblur.training import config as configs

    if resume is None:
        assert config is not None
        return configs.override(configs.load(config), data, content_weights)
    own = configs.load(resume / "config.toml")
    given = configs.load(config) if config else own
    given = configs.override(given, data or own.data.dirs, content_weights)
    configs.require_equal(given, own, f"{resume} was started")
    return own
