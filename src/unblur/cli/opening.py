"""What is said while a model is opened, and of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from unblur.cli.output import say
from unblur.inference.foreign import LOG


@contextmanager
def opening() -> Iterator[None]:
    """Says what is done that takes long: a network of others is tried out at its first use."""
    said = _Said()
    LOG.setLevel(logging.INFO)
    LOG.addHandler(said)
    try:
        yield
    finally:
        LOG.removeHandler(said)


def say_of(model: str, note: str) -> None:
    """Says what a user should know of a model (`Deblurrer.note`), if there is anything."""
    if note:
        say(f"{model}: {note}")


class _Said(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())
