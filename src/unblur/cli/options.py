"""Commands whose options are the fields of a dataclass."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from unblur.cli import completion
from unblur.cli.errors import system_errors
from unblur.inference.options import Option

T = TypeVar("T")

_UNITS = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True)
class Place:
    """Where an output goes, as it was named.

    Attributes:
        folder: whether the name ends as only a folder's does, with a separator or a dot.
    """

    path: Path
    folder: bool

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, or will be one: its name then says so, or has no ending."""
        return self.folder or is_folder(self.path) or not (self.path.suffix or self.is_file)

    @property
    def is_file(self) -> bool:
        """Whether it exists and is no folder."""
        return os.path.exists(self.path) and not is_folder(self.path)  # noqa: PTH110 - as there


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; False where the system refuses to look, as at a long name."""
    return os.path.isdir(path)  # noqa: PTH112 - `Path.is_dir` raises OSError then


def file_name(text: str) -> Path:
    """Reads the name of a file to write; raises ValueError if it is a folder's."""
    if place(text).folder:
        raise ValueError(f"the name of a file was expected, not of a folder: {text}")
    return Path(text)


def place(text: str) -> Place:
    """Reads a `Place`."""
    last = re.split("|".join(re.escape(s) for s in (os.sep, os.altsep) if s), text)[-1]
    return Place(Path(text), last in ("", ".", ".."))


def takes(declaration: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Gives a function of a dataclass the signature that Typer makes a command from.

    Each field that is declared by `option` becomes a parameter: a tuple one that can be repeated,
    a Literal a choice, a bool that is False a flag. Those with a value that may be left out need
    the command to be of the class `Command`.
    """

    def decorate(run: Callable[[T], None]) -> Callable[..., None]:
        def command(**given: Any) -> None:
            many = {name: tuple(v) for name, v in given.items() if isinstance(v, list)}
            with system_errors():
                run(declaration(**given | many))

        command.__name__, command.__doc__ = run.__name__, run.__doc__
        hints = get_type_hints(declaration)
        command.__dict__["__signature__"] = inspect.Signature(
            [
                _parameter(field.name, hints[field.name], field.default, field.metadata["option"])
                for field in fields(declaration)  # pyright: ignore[reportArgumentType]
                if "option" in field.metadata
            ]
        )
        command.__dict__["bare"] = {
            _long(field.name): field.metadata["option"]
            for field in fields(declaration)  # pyright: ignore[reportArgumentType]
            if "option" in field.metadata and field.metadata["option"].bare
        }
        return command

    return decorate


class Command(TyperCommand):
    """A command of which some options may be named without their value (`Option.bare`).

    Typer has no such options, and click would take whatever follows one for its value. So the value
    is put where it is missing, or joined by "=", before they read the command line.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _completed(args, getattr(self.callback, "bare", {})))


def _completed(arguments: list[str], bare: dict[str, Option]) -> list[str]:
    out, rest = [], list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            return [*out, argument, *rest]
        if argument in bare:
            option = bare[argument]
            follows = bool(rest) and not rest[0].startswith("-") and option.is_value(rest[0])
            argument = f"{argument}={rest.pop(0) if follows else option.bare}"
        out.append(argument)
    return out


def seconds(text: str) -> float:
    """Reads a time: a number of seconds, or one with a unit as in 90s, 9m, 2h."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match:
        raise typer.BadParameter(f"a number of seconds, or like 90s, 9m, 2h; not {text}")
    return float(match[1]) * _UNITS[match[2] or "s"]


def in_units(time: float) -> str:
    """A time in seconds as `seconds` reads it, in the largest unit that divides it."""
    unit = next((unit for unit, size in _UNITS.items() if time % size == 0), "s")
    return f"{time / _UNITS[unit]:g}{unit}"


def _long(name: str) -> str:
    # A field whose name Python keeps for itself ends with an underscore.
    return f"--{name.rstrip('_').replace('_', '-')}"


# Functions of their own, not `partial`s: older releases of Typer ask a parser for its name.


def _chosen(choices: tuple[str, ...]) -> Callable[[str], str]:
    def choice(text: str) -> str:
        if text not in choices:
            raise typer.BadParameter(f"one of {', '.join(choices)} was expected, not {text}")
        return text

    return choice


def _read(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def text(given: str) -> Any:
        try:
            return read(given)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return text


def _beginning(choices: tuple[str, ...]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


def _parameter(name: str, kind: Any, default: Any, option: Option) -> inspect.Parameter:
    kinds = (kind, *get_args(kind))  # of `kind | None`, both
    choices = next((get_args(k) for k in kinds if get_origin(k) is Literal), ())
    metavar = "90s|9m|2h" if option.duration else option.metavar or "|".join(choices) or None
    how: dict[str, Any] = {"help": option.help, "metavar": metavar}
    how |= {"min": option.least, "max": option.most}
    if option.read:
        how["parser"], kind = _read(option.read), str
    elif choices:
        how["parser"], kind = _chosen(choices), str
    if choices:
        how["autocompletion"] = _beginning(choices)
    elif name == "model":
        how["autocompletion"] = completion.models
    if option.duration:
        how["parser"] = seconds
        default = default and in_units(default)
    if get_origin(kind) is tuple:
        kind, how["show_default"] = list[get_args(kind)[0]], False
        default = default if default is MISSING else list(default)
    long = _long(name)
    named = default is False or name.endswith("_")
    names = [option.short, long] if option.short else [long] if named else []
    info: Any = typer.Argument(**how) if option.argument else typer.Option(*names, **how)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is MISSING else default,
        annotation=Annotated[kind, info],
    )
