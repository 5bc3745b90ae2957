"""Writes the table of the options of `unblur serve` into docs/serve.md."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from unblur.cli.options import in_units
from unblur.serve.settings import Settings

DOCUMENT = Path(__file__).parents[1] / "serve.md"
TABLE = re.compile(r"^\| option \|.*?\n\n", re.MULTILINE | re.DOTALL)


def table() -> str:
    """The options of `unblur serve` as a table in Markdown, made from `Settings`."""
    lines = ["| option | default | |", "|---|---|---|"]
    for field in fields(Settings):
        if option := field.metadata.get("option"):
            default: Any = field.default
            default = in_units(default) if option.duration else default
            if isinstance(default, tuple):
                default = ", ".join(default)
            name = f"`--{field.name.replace('_', '-')}`"
            if default is True:
                name, default = f"{name}, `--no-{field.name}`", field.name
            lines.append(f"| {name} | {'' if default is None else default} | {option.help} |")
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    DOCUMENT.write_text(TABLE.sub(lambda _: table(), DOCUMENT.read_text(), count=1))
