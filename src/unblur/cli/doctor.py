"""`unblur doctor`: what is installed, what it computes on, how fast, and what is missing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from unblur import __version__
from unblur.cli.errors import DONE, FAILED
from unblur.cli.options import takes
from unblur.cli.output import echo
from unblur.inference.options import option

if TYPE_CHECKING:
    from unblur.doctor import Finding, Section

_MARKS = {"ok": "  ", "missing": "- ", "broken": "! ", "unknown": "? "}


@dataclass(frozen=True)
class Options:
    json: bool = option(False, "Print one JSON object.")


@takes(Options)
def doctor(given: Options) -> None:
    """Tell what is installed, what it computes on, how fast, and what is missing for what.

    The exit code is 1 if photos cannot be deblurred.
    """
    from unblur.doctor import examine

    sections = []
    for section in examine():
        sections.append(section)
        if not given.json:
            _show(section)
    faults = [found for section in sections for found in section.findings if found.is_fault]
    if given.json:
        echo(json.dumps(_as_json(sections, not faults)))
    elif faults:
        echo("")
        echo(f"Photos cannot be deblurred: {', '.join(found.name for found in faults)}.")
    else:
        echo("")
        echo("Photos can be deblurred.")
    raise typer.Exit(FAILED if faults else DONE)


def version_lines() -> list[str]:
    """The version, and what it computes on.

    The first line is the version alone, for programs.
    """
    import platform

    from unblur.doctor import devices

    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.machine()}"
    return [f"unblur {__version__}", devices.summary(), f"{python}, {system}"]


def _show(section: Section) -> None:
    width = max((len(found.name) for found in section.findings), default=0) + 2
    echo(section.title)
    for found in section.findings:
        echo(f"  {_MARKS[found.state]}{found.name:<{width}}{found.text}")


def _as_json(sections: list[Section], ok: bool) -> dict[str, object]:
    return {
        "unblur": __version__,
        "ok": ok,
        **{section.title: [_fact(found) for found in section.findings] for section in sections},
    }


def _fact(found: Finding) -> dict[str, object]:
    own = {"name": found.name, "state": found.state, "text": found.text, "needed": found.needed}
    return {**own, **found.facts}
