"""Errors in the command line's words, and the exit codes that commands end with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from unblur.cli.output import say
from unblur.errors import Action, ConfigError, MetricError, ModelError, UnblurError

DONE, FAILED, WRONG, STOPPED = 0, 1, 2, 130
"""Exit codes: all done; an input failed; the command line is wrong; stopped with Ctrl-C."""

WORDS: dict[Action, str] = {
    "overwrite": "--overwrite replaces it",
    "max-pixels": "--max-pixels raises it",
    "format": "name a {values} output",
    "codec": "name another --codec ({values})",
    "install": "pip install 'unblur[{values}]'",
    "jobs": "--jobs 1 needs less",
    "tile": "--tile 512 needs less memory",
    "resume": "--resume continues it",
    "data": "name folders with --data",
    "processes": "use fewer --processes",
    "content-weights": "pass --content-weights FILE",
    "metric": "choose another --metric ({values})",
    "copy": "--copy-to copies it",
    "alone": "deblur it by itself, with -o naming another file",
    "format-alone": "deblur it by itself, with -o naming a {values} file",
    "trust": "--trust opens it",
    "add": "`unblur models add {values}` fetches it",
    "add-again": "`unblur models add {values} --overwrite` adds it again",
    "remove": "`unblur models remove {values}` removes it",
    "name": "choose another with --name",
    "go-on": "the same command goes on",
}
"""The hint of an error as this program's options, by its action."""


def in_words(error: UnblurError) -> str:
    """The error as one line that names options of the command line."""
    return error.message(WORDS)


def fail(message: str, code: int) -> NoReturn:
    """Ends the program with a message on standard error."""
    for line in message.splitlines():
        say(line)
    raise typer.Exit(code)


@contextmanager
def reported() -> Iterator[None]:
    """Ends the program with one line where the input is wrong. Other exceptions are bugs."""
    try:
        yield
    except (ConfigError, MetricError, ModelError) as error:
        fail(in_words(error), WRONG)
    except UnblurError as error:
        fail(in_words(error), FAILED)


@contextmanager
def system_errors() -> Iterator[None]:
    """Ends the program with one line where the system refuses what nothing else has handled.

    Such as to look at a name that is too long, or to write to a full disk.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # of standard output: nobody reads on
    except OSError as error:
        name = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        fail(f"{name}cannot be read or written ({error.strerror or error})", FAILED)


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Ends the program with advice where an import fails that an extra of the package brings."""
    try:
        yield
    except ImportError as error:
        install = WORDS["install"].format(values=extra)
        fail(f"this command needs the package {error.name}: {install}", FAILED)
