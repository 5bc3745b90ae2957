"""Lines on standard output and standard error."""

from __future__ import annotations

import sys
from typing import Any


def echo(line: str) -> None:
    """Writes a line to standard output."""
    _print(line, sys.stdout)


def say(line: str) -> None:
    """Writes a line, with the program's name, to standard error."""
    _print(f"unblur: {line}", sys.stderr)


def _print(line: str, stream: Any) -> None:
    """Writes one line; control characters and bytes that are no text are escaped."""
    line = "".join(c if c.isprintable() else _escape(c) for c in line)
    encoding = stream.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
