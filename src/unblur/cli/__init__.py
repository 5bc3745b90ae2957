"""The command line. Each command imports what it needs when it runs, so that help is fast."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from unblur.cli import bulk, deblur, doctor, evaluate, export, inspect, models, robustness, serve
from unblur.cli import synth as synthesis
from unblur.cli import train as training
from unblur.cli import train_head as head
from unblur.cli.options import Command
from unblur.cli.output import echo
from unblur.cli.stopping import tidy_end
from unblur.cli.streams import standard_streams


class Program(typer.Typer):
    """The program, which ends in one line also where a standard stream is closed or full.

    Where it is ended by a signal, it leaves no unfinished files.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Else Typer breaks the lines of help that zsh shows beside completions.
        if "_UNBLUR_COMPLETE" in os.environ:
            os.environ.setdefault("TERMINAL_WIDTH", "1000")
        with standard_streams(), tidy_end():
            return super().__call__(*args, **kwargs)


app: Program = Program(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Deblurs photographs and videos; trains and measures the networks that do it.",
)
app.command(no_args_is_help=True, cls=Command)(deblur.deblur)
app.command(no_args_is_help=True)(bulk.bulk)
app.command(no_args_is_help=True, cls=Command)(inspect.inspect)
app.command(no_args_is_help=True)(synthesis.synth)
app.command(no_args_is_help=True)(training.train)
app.command(no_args_is_help=True)(head.train_head)
app.command(no_args_is_help=True)(evaluate.evaluate)
app.command()(robustness.robustness)
app.command(no_args_is_help=True)(export.export)
app.command()(doctor.doctor)
app.command(context_settings={"auto_envvar_prefix": "UNBLUR"})(serve.serve)
app.add_typer(models.app, name="models")


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version, the engine and the device.")
    ] = False,
) -> None:
    if version:
        for line in doctor.version_lines():
            echo(line)
        raise typer.Exit
