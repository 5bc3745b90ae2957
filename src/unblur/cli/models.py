"""`unblur models`: what models there are; adding and removing them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from unblur.cli.errors import FAILED, STOPPED, fail, in_words, system_errors
from unblur.cli.options import takes
from unblur.cli.output import echo, say
from unblur.errors import UnblurError
from unblur.inference.options import option

if TYPE_CHECKING:
    from unblur.inference.added import Added
    from unblur.library.listing import Listed
    from unblur.library.trial import Tried

WIDTH = 80
"""Columns that the list is made for."""

app: typer.Typer = typer.Typer(rich_markup_mode=None, help="List, add and remove models.")


def checksum(text: str) -> str:
    """Reads a SHA-256; raises ValueError if it is none."""
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        raise ValueError(f"64 digits (0 to 9, a to f) were expected, not {text[:80]}")
    return text.lower()


@dataclass(frozen=True)
class AddOptions:
    model: str = option(
        ...,
        "An ONNX or .safetensors file, a URL of one, or a name that `unblur models` lists.",
        argument=True,
        metavar="FILE|URL|NAME",
    )
    name: str | None = option(None, "What to call it; by default as its file.")
    sha256: str | None = option(
        None, "The file's SHA-256, which is checked.", read=checksum, metavar="SUM"
    )
    licence: str | None = option(None, "The file's licence, to be listed.")
    trust: bool = option(
        False, "Take a pickle (.pth, .pt, .ckpt) too, which can hold a program: trust its author."
    )
    overwrite: bool = option(False, "Replace a model of the same name.")


@dataclass(frozen=True)
class NamesOptions:
    names: tuple[str, ...] = option(..., "Added models.", argument=True, metavar="NAME")


@dataclass(frozen=True)
class PathOptions:
    name: str = option(..., "A bundled or added model.", argument=True, metavar="NAME")


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="List the models as JSON.")] = False,
) -> None:
    """List, add and remove models; without a command, list them."""
    if context.invoked_subcommand is None:
        with system_errors():
            _list(json)


@app.command(no_args_is_help=True)
@takes(AddOptions)
def add(given: AddOptions) -> None:
    """Add a model: a file, a download, or one of the catalogue."""
    from unblur.cli.progress import download_bar
    from unblur.library.adding import add as run
    from unblur.library.adding import source_of

    source = source_of(given.model)
    try:
        with download_bar() as advance:
            added, tried = run(
                source,
                given.name or "",
                sha256=given.sha256 or "",
                licence=given.licence or "",
                trust=given.trust,
                overwrite=given.overwrite,
                advance=advance,
                say=say,
            )
    except UnblurError as error:
        fail(f"{given.model}: {in_words(error)}", FAILED)
    except KeyboardInterrupt:
        fail(f"stopped{'; the same command goes on' if source.url else ''}", STOPPED)
    _print_added(added, tried)


@app.command(no_args_is_help=True)
@takes(NamesOptions)
def remove(given: NamesOptions) -> None:
    """Remove added models."""
    from unblur.library.shelf import remove as run

    failed = False
    for name in dict.fromkeys(given.names):
        try:
            run(name)
            echo(f"{name}: removed")
        except UnblurError as error:
            say(in_words(error))
            failed = True
    if failed:
        raise typer.Exit(FAILED)


@app.command(no_args_is_help=True)
@takes(PathOptions)
def path(given: PathOptions) -> None:
    """Print the path of a model's file."""
    from unblur.inference.models import find_model

    try:
        echo(str(find_model(given.name)))
    except UnblurError as error:
        fail(in_words(error), FAILED)


def _list(as_json: bool) -> None:
    from unblur.inference.added import home
    from unblur.library.listing import models as found

    if as_json:
        # ASCII, as in `unblur deblur --json`.
        facts = {"models": [one.as_dict() for one in found()], "folder": str(home())}
        print(json.dumps(facts, indent=1))
        return
    listed = found()
    wide = max(len(one.name) for one in listed)
    echo(f"{'NAME':<{wide}}  {'':<9}  {'SIZE':>8}  {'PARAMETERS':>10}  {'GMAC':>6}  LICENCE")
    for one in listed:
        for line in _lines(one, wide):
            echo(line)
    echo("GMAC: multiplications and additions (1e9) for 256x256 pixels")
    echo(f"added models lie in {home()}")


def _lines(one: Listed, wide: int) -> list[str]:
    from rich.filesize import decimal

    from unblur.library.listing import in_words as words

    size = "" if one.bytes is None else decimal(one.bytes)
    count = "" if one.parameters is None else _in_millions(one.parameters)
    gmac = "" if one.gmac is None else f"{one.gmac:.1f}" if one.gmac >= 0.1 else "< 0.1"
    head = f"{one.name:<{wide}}  {one.status:<9}  {size:>8}  {count:>10}  {gmac:>6}  "
    lines = [(head + (one.licence or "not known")).rstrip()]
    for text in (
        f"damaged: {one.damaged}; add it again, or remove it" if one.damaged else "",
        words(one.contract) if one.contract else "",
        one.about,
        _shortened(one.source),
        f"{decimal(one.begun)} are downloaded" if one.begun else "",
        f"unblur models add {one.name}" if one.status == "not added" else "",
    ):
        lines += wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def _in_millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 100_000 else f"{count:,}"


def _shortened(place: str) -> str:
    """A path or a URL, or its beginning and its end, to fit behind two spaces."""
    return place if len(place) <= WIDTH - 2 else f"{place[:25]}...{place[30 - WIDTH :]}"


def _print_added(added: Added, tried: Tried) -> None:
    from rich.filesize import decimal

    from unblur.cli.opening import say_of
    from unblur.inference.foreign import seam_note
    from unblur.inference.suffixes import PICKLES
    from unblur.library.listing import in_words as words

    echo(f"{added.name}: added, {decimal(added.size)}, licence {added.licence or 'not known'}")
    echo(f"  {words(tried.contract)}")
    size = f"a blurred picture of {tried.side}x{tried.side} pixels"
    changes = f"changes by {tried.change:.1f} levels of 255 on average"
    echo(f"  {size} {changes if tried.change >= 0.05 else 'is left as it is'}")
    trust = " --trust" if added.path.suffix in PICKLES else ""
    echo(f"  unblur deblur photo.jpg --model {added.name}{trust}")
    say_of(added.name, seam_note(tried.contract))
