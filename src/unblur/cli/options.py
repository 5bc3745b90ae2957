"""Options as Typer takes them, made from their declarations."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer

from unblur.inference.options import Option

T = TypeVar("T")

_UNITS = {"h": 3600, "m": 60, "s": 1}


def declared(option: Option, *names: str) -> Any:
    """The option for a parameter's annotation; by default Typer takes the parameter's name."""
    if option.duration:
        return typer.Option(*names, parser=seconds, metavar="90s|9m|2h", help=option.help)
    return typer.Option(*names, min=option.least, max=option.most, help=option.help)


def takes(declaration: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Makes a command of a function whose options are the fields of a dataclass.

    A field is an option if it is annotated with an `Option`, or an option or argument of Typer's.
    A tuple is an option that can be repeated; a bool that is False, a flag.
    """

    def decorate(run: Callable[[T], None]) -> Callable[..., None]:
        def command(**given: Any) -> None:
            many = {name: tuple(v) for name, v in given.items() if isinstance(v, list)}
            run(declaration(**given | many))

        command.__name__, command.__doc__ = run.__name__, run.__doc__
        command.__dict__["__signature__"] = inspect.Signature(_parameters(declaration))
        return command

    return decorate


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


def _parameters(declaration: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(declaration, include_extras=True)
    made = []
    for field in fields(declaration):
        if get_origin(hints[field.name]) is not Annotated:
            continue
        kind, option = get_args(hints[field.name])
        default: Any = inspect.Parameter.empty if field.default is MISSING else field.default
        if isinstance(option, Option):
            flag = (f"--{field.name}",) if default is False else ()
            default = in_units(default) if option.duration else default
            option = declared(option, *flag)
        if get_origin(kind) is tuple:
            kind = list[get_args(kind)[0]]
            if field.default is not MISSING:
                option.show_default, default = False, list(default)
        made.append(
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=default,
                annotation=Annotated[kind, option],
            )
        )
    return made
