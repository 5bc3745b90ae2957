"""A page for every command of `unblur`, made from its declaration when the site is built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from unblur.cli import app

FOLDER = "commands/"
"""Where the pages are; the navigation's entry of this name becomes the list of them."""


def on_config(config: MkDocsConfig) -> None:
    config.nav = _filled(config.nav)


def on_files(files: Files, config: MkDocsConfig) -> None:
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))


def pages() -> dict[str, str]:
    """The pages in Markdown by their paths in docs/: the program's own, then each command's."""
    program: Any = typer.main.get_command(app)
    program.params = program.get_params(_context(program, "unblur"))
    lines = ["# Commands\n", f"{program.help}\n"]
    found = {}
    for name, command in program.commands.items():
        if not command.hidden:
            path = f"{FOLDER}{name}.md"
            found[path] = "\n".join(_described(command, f"unblur {name}", "#"))
            lines.append(f"[`unblur {name}`]({name}.md)\n:   {_escaped(_first(command.help))}\n")
    lines += ["## Options of the program\n", *_records(program, "unblur")]
    return {f"{FOLDER}index.md": "\n".join(lines), **found}


def _described(command: Any, name: str, level: str) -> Iterator[str]:
    """A command's page: its help, its usage, its arguments and options, its own commands."""
    yield f"{level} `{name}`\n"
    yield f"{_escaped(command.help or '')}\n"
    usage = command.get_usage(_context(command, name)).removeprefix("Usage: ")
    yield f"```text\n{' '.join(usage.split())}\n```\n"
    yield from _records(command, name)
    for below, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _described(inner, f"{name} {below}", f"{level}#")


def _records(command: Any, name: str) -> Iterator[str]:
    """The arguments and options as a list of definitions."""
    context = _context(command, name)
    for parameter in command.get_params(context):
        if getattr(parameter, "hidden", False) or "--help" in parameter.opts:
            continue
        record = parameter.get_help_record(context)
        if record is None:
            continue
        how, what = record
        facts = re.search(r"\s*\[([^\[\]]*)\]$", what)
        text = what[: facts.start()] if facts else what
        yield f"`{_plain(how)}`\n:   {_escaped(text)}"
        if facts:
            yield f"    <br><small>{_escaped(_ranges(facts[1]))}</small>"
        yield ""


def _plain(how: str) -> str:
    """The option and what it takes: kinds as words, as `--port <int range>` has them, in capitals.

    An argument has a name of its own, and a kind says nothing more.
    """
    if not how.startswith("-"):
        return re.sub(r" <.*>$", "", how)
    kinds = {"int": "INTEGER", "float": "NUMBER", "str": "TEXT", "path": "PATH", "file": "FILE"}
    return re.sub(
        r"<(?:list\[)?(\w+)(?: range)?\]?>",
        lambda kind: kinds.get(kind[1].lower(), kind[1].upper()),
        how,
    )


def _ranges(facts: str) -> str:
    """Bounds in words: `0<=x<=1` and `x>=1` are for who knows what x is."""
    facts = re.sub(r"([\d.-]+)<=x<=([\d.-]+)", r"\1 to \2", facts)
    return re.sub(r"x<=([\d.-]+)", r"at most \1", re.sub(r"x>=([\d.-]+)", r"at least \1", facts))


def _context(command: Any, name: str) -> Any:
    return command.make_context(
        name, [], resilient_parsing=True, **getattr(command, "context_settings", {})
    )


def _first(text: str | None) -> str:
    """The first sentence."""
    return re.split(r"[.;](?:\s|$)", text or "", maxsplit=1)[0] + "."


def _escaped(text: str) -> str:
    """What Markdown and HTML would read otherwise than it stands."""
    return re.sub(r"([<>*_`\[\]&])", lambda found: f"&#{ord(found[1])};", text)


def _filled(nav: Any) -> Any:
    if isinstance(nav, list):
        return [_filled(item) for item in nav]
    if isinstance(nav, dict):
        return {title: _filled(item) for title, item in nav.items()}
    return list(pages()) if nav == FOLDER else nav
