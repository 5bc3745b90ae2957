"""What is said while a model is opened, and of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from unblur.cli.output import say
from unblur.inference.contract import Contract
from unblur.inference.foreign import seam_note

_PATIENCE = 2.0
"""Seconds after which it is said that a model is being opened."""


@contextmanager
def opening(models: Sequence[str]) -> Iterator[None]:
    """Says what is being done if it takes long: a network of others is tried out at its first use.

    Once it is open, a second use takes what was found out.
    """
    names = ", ".join(models)
    line = f"opening {names}: what a network of others takes is found out once, by trying"
    timer = threading.Timer(_PATIENCE, say, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def say_of(model: str, contract: Contract) -> None:
    """Says what a user should know of a model, if there is anything."""
    if note := seam_note(contract):
        say(f"{model}: {note}")
