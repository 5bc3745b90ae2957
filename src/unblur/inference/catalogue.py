"""Networks of others that are known by name, and fetched only if they are asked for."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class Entry:
    """A network that can be added by its name.

    Attributes:
        name: by which it is added, and then chosen.
        about, paper: what it is.
        licence: of the file.
        url, bytes, sha256: where it is, and what it must be.
        low, high: values of black and white in its own images, which are RGB.
    """

    name: str
    about: str
    paper: str
    licence: str
    url: str
    bytes: int
    sha256: str
    low: float
    high: float


@functools.cache
def entries() -> dict[str, Entry]:
    """The catalogue by name, from catalogue.toml."""
    text = resources.files("unblur.inference").joinpath("catalogue.toml").read_text("utf-8")
    found = {}
    for name, facts in tomllib.loads(text).items():
        low, high = facts.pop("range")
        found[name] = Entry(name=name, low=low, high=high, **facts)
    return found


def by_digest(digest: str) -> Entry | None:
    """The entry whose file has this SHA-256."""
    return next((one for one in entries().values() if one.sha256 == digest), None)
