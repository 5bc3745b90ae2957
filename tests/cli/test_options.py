"""Options are declared once; what is made from the declarations agrees with them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

import pytest
import typer
from docs.figures.serve_options import DOCUMENT, TABLE, table
from typer.testing import CliRunner

from unblur.cli import app
from unblur.cli.errors import WORDS
from unblur.cli.options import in_units, seconds, takes
from unblur.errors import Action
from unblur.inference.options import option
from unblur.serve.settings import Settings


@dataclass(frozen=True)
class Options:
    photos: tuple[Path, ...] = option(..., "Photos.", argument=True)
    max_size: int | None = option(None, "A size.", least=1)
    kind: Literal["a", "b"] = option("a", "A kind.")
    name: tuple[str, ...] = option((), "A name.")
    wait: float = option(120.0, "A time.", duration=True)
    dry: bool = option(False, "A flag.")
    page: bool = option(True, "Another flag.")
    inner: int = 7


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a b", Options((Path("a"), Path("b")))),
        ("a --max-size 3 --kind b --wait 1.5h", Options((Path("a"),), 3, "b", wait=5400.0)),
        ("a --name x --name y --dry --no-page", Options((Path("a"),), name=("x", "y"), dry=True,
                                                        page=False)),
        ("", None),
        ("a --max-size 0", None),
        ("a --kind c", None),
        ("a --wait soon", None),
        ("a --no-dry", None),
        ("a --inner 1", None),
    ],
)  # fmt: skip
def test_a_dataclass_is_a_command(line: str, expected: Options | None) -> None:
    given = []
    command = typer.Typer()
    command.command()(takes(Options)(given.append))
    assert CliRunner().invoke(command, line.split()).exit_code == (0 if expected else 2)
    assert given == ([expected] if expected else [])


@pytest.mark.parametrize("text", ["90s", "9m", "2h", "24h", "1.5s", "61s"])
def test_times_are_read_as_they_are_written(text: str) -> None:
    assert seconds(in_units(seconds(text))) == seconds(text)


def test_the_document_has_the_servers_options() -> None:
    found = TABLE.search(DOCUMENT.read_text())
    assert found is not None
    assert found[0] == table(), "make figures writes it"
    shown = CliRunner().invoke(app, ["serve", "--help"]).output
    for field in fields(Settings):
        name = field.name.replace("_", "-")
        assert (f"--{name} " in shown) == ("option" in field.metadata)


def test_every_hint_has_words() -> None:
    assert set(WORDS) == set(get_args(Action))
