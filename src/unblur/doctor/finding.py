"""What an examination finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from unblur.errors import UnblurError


class State(StrEnum):
    """How something is."""

    OK = "ok"
    MISSING = "missing"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what it is.
        state: how it is.
        text: that in words, for a line; what to do, if it is not well.
        needed: whether deblurring a photo needs it.
        facts: numbers and names behind the text, as JSON holds them.
    """

    name: str
    state: State
    text: str
    needed: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_fault(self) -> bool:
        """Whether photos cannot be deblurred because of it."""
        return self.needed and self.state in (State.MISSING, State.BROKEN)


@dataclass(frozen=True)
class Section:
    """Findings about one subject."""

    title: str
    findings: list[Finding]


def guarded(name: str, look: Callable[[], Finding], needed: bool = False) -> Finding:
    """What `look` finds; that it is broken, if it raises anything."""
    try:
        return look()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - broken packages raise what they like
        return Finding(name, State.BROKEN, reason(error), needed)


def reason(error: BaseException) -> str:
    """An exception in one line."""
    lines = str(error).strip().splitlines()
    if isinstance(error, UnblurError) and lines:
        return lines[0]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
