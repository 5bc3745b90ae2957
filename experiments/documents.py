"""Generated tables in Markdown files: each stands between two comments that mark its place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from unblur.errors import UnblurError


def publish(make: Callable[[], str], document: Path | None, place: str) -> int:
    """Print the table that `make` returns and put it into a document.

    The document is checked first, since making the table may take hours.

    Returns:
        The exit code: 0, or 1 after one line on standard error.
    """
    try:
        if document:
            require_place(document, place)
        text = make()
        print(text)
        if document:
            put(document, place, text)
    except UnblurError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def put(document: Path, place: str, text: str) -> None:
    """Replace the content of a place; raises as `require_place`."""
    head, tail = require_place(document, place)
    document.write_text(f"{head}\n{text}\n{tail}", encoding="utf-8")


def require_place(document: Path, place: str) -> tuple[str, str]:
    """The text before and after a place's content, including the two markers.

    Raises:
        UnblurError: if the file cannot be read or has no such place.
    """
    begin, end = markers(place)
    try:
        text = document.read_text(encoding="utf-8")
    except OSError as error:
        raise UnblurError(f"{document}: {error.strerror}; a Markdown file was expected") from None
    first, last = text.find(begin), text.find(end)
    if not -1 < first < last:
        raise UnblurError(f"{document}: has no place for the table, the lines {begin} and {end}")
    return text[: first + len(begin)], text[last:]


def markers(place: str) -> tuple[str, str]:
    """The lines around a place."""
    return f"<!-- {place}: begin -->", f"<!-- {place}: end -->"
