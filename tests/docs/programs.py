"""Lines of other programs, and of `unblur` that cannot run: what they name must exist."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer

from tests.docs.pages import ROOT
from unblur.cli import app
from unblur.training import config as configs


def check(words: Sequence[str]) -> None:
    """Looks at a line of any program; AssertionError says what it names that there is not."""
    words = list(words)
    while re.match(r"[A-Z_]+=", words[0]):
        inside = "$(" in words.pop(0)
        while inside:
            inside = not words.pop(0).endswith(")")
    while "&&" in words:
        at = words.index("&&")
        check(words[:at])
        words = words[at + 1 :]
    program = words[0].removeprefix(".venv/bin/")
    assert program in PROGRAMS, f"no rule of tests/docs covers the program {program}"
    PROGRAMS[program](words[1:])


def unblur(words: list[str]) -> None:
    """Parses a line of `unblur`: its command, options and values; its config, if we have it."""
    words = list(words)
    if words[0].startswith("-"):
        # Options of the program, not of a command, do what they do as soon as they are parsed.
        named_options(" ".join(["unblur", *words]))
        return
    command: Any = typer.main.get_command(app)
    name = "unblur"
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"{name} has no command {words[0]}"
        name = f"{name} {words[0]}"
        command = command.commands[words.pop(0)]
    try:
        command.make_context(name, words)
    except Exception as error:
        # Typer's errors have no base that it makes public; each says what is wrong.
        raise AssertionError(f"{name}: {getattr(error, 'message', error)!s}") from error
    for word in words:
        if word.endswith(".toml") and (ROOT / word).is_file():
            configs.load(ROOT / word)


def named_options(text: str) -> None:
    """Checks a command within a sentence, which may leave out what it needs: its options exist."""
    words = text.split()[1:]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and re.match(r"[a-z]", words[0]):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command = command.commands[words.pop(0)]
    context = command.make_context("", [], resilient_parsing=True)
    there = {name for p in command.get_params(context) for name in (*p.opts, *p.secondary_opts)}
    for option in re.findall(r"(?<!\S)-{1,2}[a-zA-Z][\w-]*", " ".join(words)):
        assert option in there, f"there is no option {option}"


def _pip(words: list[str]) -> None:
    """Extras exist, and other packages are ones that the project knows."""
    if "install" not in words:
        return
    extras = _project()["optional-dependencies"]
    known = {re.split(r"[\[<>=~]", need)[0] for needs in extras.values() for need in needs}
    for word in words[words.index("install") + 1 :]:
        name, _, extra = re.sub(r"==.*|\.whl$", "", word).rstrip("]").partition("[")
        assert all(one in extras for one in extra.split(",") if one), f"there is no extra {extra}"
        own = re.fullmatch(r"(dist/)?unblur[\w.*-]*|\.|-.*", name)
        assert own or name in known | {"pip", "pipx", "uv"}, f"{name} is no package of ours"


def _make(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for word in words:
        name = word.split("=")[0]
        found = rf"\$\({name}\b|\b{name} \?=" if "=" in word else rf"^{name}:"
        assert re.search(found, makefile, re.MULTILINE), f"the Makefile has no {name}"


def _docker(words: list[str]) -> None:
    """Stages and Compose services exist."""
    if "--target" in words:
        stage = words[words.index("--target") + 1]
        stages = re.findall(r"^FROM .* AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        assert stage in stages, f"the Dockerfile has no stage {stage}"
    if words[0] == "compose":
        assert (ROOT / "compose.yaml").is_file()
    _files(words)


def _files(words: list[str]) -> None:
    """What follows -f is a file of the repository."""
    for flag, name in pairwise(words):
        if flag == "-f" and "/" in name and not name.startswith("job/"):
            assert (ROOT / name).is_file(), f"there is no {name}"


def _npm(words: list[str]) -> None:
    scripts = json.loads((ROOT / "web" / "package.json").read_text())["scripts"]
    if words[0] == "run":
        assert words[1] in scripts, f"web/package.json has no script {words[1]}"


def _torchrun(words: list[str]) -> None:
    at = words.index("-m")
    assert words[at + 1] == "unblur"
    unblur(words[at + 2 :])


def _python(words: list[str]) -> None:
    """The module exists, and has the options, where they are declared by argparse."""
    if words[0] != "-m":
        assert (ROOT / words[0]).is_file(), f"there is no {words[0]}"
        return
    module = words[1]
    found = importlib.util.find_spec(module)
    if found and found.submodule_search_locations:
        found = importlib.util.find_spec(f"{module}.__main__")
    assert found is not None, f"there is no module {module} that can be run"
    source = Path(found.origin or "")
    if source.is_relative_to(ROOT):
        text = source.read_text()
        for option in re.findall(r"--[a-z][\w-]*", " ".join(words[2:])):
            assert f'"{option}"' in text, f"{module} has no option {option}"
    for name in words[2:]:
        if name.startswith("tests/"):
            assert (ROOT / name).exists(), f"there is no {name}"


def _nothing(_: list[str]) -> None:
    """A program of the system, whose own words these are."""


@cache
def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


PROGRAMS: dict[str, Callable[[list[str]], None]] = {
    "unblur": unblur,
    "pip": _pip,
    "pipx": _pip,
    "uv": _pip,
    "make": _make,
    "docker": _docker,
    "kubectl": _files,
    "npm": _npm,
    "torchrun": _torchrun,
    "python": _python,
    "python3": _python,
    "curl": _nothing,
    "git": _nothing,
    "cd": _nothing,
}
"""Every program that a document may have a line of."""
