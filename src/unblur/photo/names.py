"""Names that a file gives, as words of a line."""

from __future__ import annotations

_LONGEST = 40


def printable(name: bytes) -> str:
    """The name without control characters, and not longer than 40 characters."""
    text = name.decode("latin-1").strip()
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
