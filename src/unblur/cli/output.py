"""Lines on standard output and standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any


def echo(line: str) -> None:
    """Writes a line to standard output."""
    _print(line, sys.stdout)


def say(line: str) -> None:
    """Writes a line, with the program's name, to standard error."""
    _print(f"unblur: {line}", sys.stderr)


def echo_cells(cells: Iterable[str]) -> None:
    """Writes a line of cells, with tabs between them, to standard output."""
    print("\t".join(printable(cell) for cell in cells), flush=True)


def printable(text: str, stream: Any = None) -> str:
    """Text for a stream, by default standard output, with the rest escaped.

    These are control characters, bytes that are no text, and what its encoding lacks.
    """
    text = "".join(c if c.isprintable() else _escape(c) for c in text)
    encoding = (stream or sys.stdout).encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _print(line: str, stream: Any) -> None:
    print(printable(line, stream), file=stream)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
