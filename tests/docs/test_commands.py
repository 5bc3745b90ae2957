"""Every command of the documents is run in a small world, or, by the rules, read."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from tests.docs.pages import PAGES, Line, command_lines, python_blocks, spans
from tests.docs.programs import check, named_options
from tests.docs.rules import APPENDED, ONLY_READ, why_only_read
from tests.docs.world import World, world
from tests.files import write

__all__ = ["world"]

LINES = {page: command_lines(page) for page in PAGES}


def is_run(line: Line) -> bool:
    return line.words[0] in ("unblur", "curl") and not why_only_read(line.text)


@pytest.mark.parametrize("page", [page for page in PAGES if any(map(is_run, LINES[page]))])
def test_the_commands_of_a_page_run_in_its_order(page: str, world: World) -> None:
    for line in filter(is_run, LINES[page]):
        (world.unblur if line.words[0] == "unblur" else world.curl)(line)


def test_every_command_names_what_exists() -> None:
    wrong = []
    for line in (line for lines in LINES.values() for line in lines):
        try:
            check(_plain(line.words))
        except AssertionError as error:
            wrong.append(f"{line.place}: {line.text}: {error}")
    assert not wrong, "\n".join(wrong)


def test_every_command_in_a_sentence_has_its_options() -> None:
    wrong = []
    for page in PAGES:
        for text in spans(page):
            if re.match(r"unblur [a-z-]", text):
                try:
                    named_options(text)
                except AssertionError as error:
                    wrong.append(f"{page}: {text}: {error}")
    assert not wrong, "\n".join(wrong)


def test_every_rule_is_needed() -> None:
    texts = [line.text for lines in LINES.values() for line in lines]
    unused = [rule for rule in (*ONLY_READ, *APPENDED)
              if not any(re.match(rule, text) for text in texts)]  # fmt: skip
    assert not unused


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)])
def test_the_python_of_a_page_runs(page: str, world: World, picture: np.ndarray) -> None:
    image: Any = np.tile(picture, (2, 2, 1))
    names: dict[str, Any] = {"image": image, "array": image}
    write(world.folder / "photo.jpg", image)
    for block in python_blocks(page):
        exec(compile(block, page, "exec"), names)  # noqa: S102 - these are our own documents


def _plain(words: tuple[str, ...]) -> list[str]:
    """Words without redirections, the brackets of a usage line, and what stands for a checksum."""
    text = [re.sub(r"^\[|\](\.\.\.)?$", "", word) for word in words]
    text = ["0" * 64 if word == "SUM" else word for word in text]
    for sign in ("<", ">"):
        if sign in text:
            at = text.index(sign)
            text = text[:at] + text[at + 2 :]
    return text
