"""What the documents tell people to type: their command lines and their pieces of Python."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "models", "examples", "deploy")
_FOUND = sorted(str(path.relative_to(ROOT)) for name in FOLDERS
                for path in (ROOT / name).rglob("*.md"))  # fmt: skip
PAGES = ("README.md", "CONTRIBUTING.md", *_FOUND)

_SHELLS = ("", "sh", "shell", "bash", "console")
_LAYOUT = re.compile(r"^(\{|DIR/|TARGET/|score  |NAME  |location /|cli  )")
"""How those blocks begin that show a file, a tree, an answer or a drawing, and no commands."""


class Line(NamedTuple):
    """A command line: `words` are without the comment behind it, `place` is page:line."""

    text: str
    words: tuple[str, ...]
    place: str


def command_lines(page: str) -> list[Line]:
    """The lines of a page's code blocks, each joined with those that continue it."""
    lines = []
    for token in _tokens(page):
        shell = token.type == "code_block" or token.info in _SHELLS
        if token.type in ("code_block", "fence") and shell and token.map:
            number = token.map[0] + (2 if token.type == "fence" else 1)
            lines += [Line(text, words, f"{page}:{number + at}") for at, text, words
                      in _joined(token.content)]  # fmt: skip
    return lines


def spans(page: str) -> list[str]:
    """The pieces of code within a page's sentences."""
    inside = [child for token in _tokens(page) for child in token.children or ()]
    return [token.content for token in inside if token.type == "code_inline"]


def links(page: str) -> list[str]:
    """The files that a page's links and pictures lead to, from its own folder."""
    inside = [child for token in _tokens(page) for child in token.children or ()]
    found = [str(token.attrGet("href") or token.attrGet("src") or "") for token in inside]
    return [link.split("#")[0] for link in found if not re.match(r"[a-z]+:|#|$", link)]


def python_blocks(page: str) -> list[str]:
    tokens = _tokens(page)
    return [token.content for token in tokens if token.type == "fence" and token.info == "python"]


def _tokens(page: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text())


def _joined(block: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """The commands of a block, which has paragraphs of them and of what they print."""
    shown = text = ""
    for at, line in enumerate(block.splitlines()):
        if not line.strip():
            shown = ""
            continue
        shown = shown or line
        if _LAYOUT.match(shown):
            continue
        text = f"{text} {line.strip()}" if text else line.strip().removeprefix("$ ")
        if text.endswith("\\"):
            text = text[:-1].rstrip()
            continue
        if words := tuple(shlex.split(text, comments=True)):
            yield at, text, words
        text = ""
