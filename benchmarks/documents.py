"""Tables in Markdown files: each has its place, between two lines that mark it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from unblur.errors import UnblurError
from unblur.photo.files import atomic


def publish(measure: Callable[[], str], document: Path | None, place: str) -> int:
    """Prints the table that `measure` makes, and puts it into a document.

    Whether the document has the place is asked before anything is measured.

    Returns:
        0 if all went well, 1 with one line of what did not.
    """
    try:
        if document:
            require_place(document, place)
        text = measure()
        print(text)
        if document:
            put(document, place, text)
    except UnblurError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def require_place(document: Path, place: str) -> tuple[str, str]:
    """What stands before and after the place of that name, with the lines that mark it.

    Raises:
        UnblurError: if the file cannot be read, or has no such place.
    """
    begin, end = markers(place)
    try:
        text = document.read_text(encoding="utf-8")
    except OSError as error:
        raise UnblurError(f"{document}: {error.strerror}; --table names a Markdown file") from None
    first, last = text.find(begin), text.find(end)
    if not -1 < first < last:
        raise UnblurError(f"{document}: has no place for the table, the lines {begin} and {end}")
    return text[: first + len(begin)], text[last:]


def put(document: Path, place: str, text: str) -> None:
    """Puts a text into its place, instead of what was there; raises as `require_place`."""
    head, tail = require_place(document, place)
    with atomic(document) as file:
        file.write(f"{head}\n{text}\n{tail}".encode())


def markers(place: str) -> tuple[str, str]:
    """The lines around a place."""
    return f"<!-- {place}: begin -->", f"<!-- {place}: end -->"
