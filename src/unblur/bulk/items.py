"""A file in a store."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """A file in a store.

    Attributes:
        place: under the store's root.
        size: in bytes; -1 if the store does not say.
        version: what changes with its content: the ETag, else the size and the time.
        modified: when it was changed, in seconds since 1970; None if the store does not say.
    """

    place: str
    size: int
    version: str
    modified: float | None = None
