"""What each format can carry, fact by fact: a file with it is read and written with other pixels.

Each is measured: the two files are compared by readers
that share no code with the product: Pillow, tifffile, and the few lines of this folder.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from tests.photo import fidelity
from unblur import photo
from unblur.errors import PhotoError
from unblur.photo.writing import lost

Fate = Literal["carried over", "changed with the pixels", "dropped with a line", "refused"]
CARRIED: Fate = "carried over"
CHANGED: Fate = "changed with the pixels"
SAID: Fate = "dropped with a line"
REFUSED: Fate = "refused"
_SAME = object()

PIXELS = fidelity.picture(3)[:32, :48]


@dataclass(frozen=True)
class Fact:
    """Something that a file of a format can say.

    Attributes:
        format: as the table names it; its first word is the format that is written.
        what: it says.
        data: makes a file that says so.
        seen: what an independent reader finds of it; false if there is nothing, neither of it nor
            of what points to it.
        fate: what becomes of it.
        new: what is found in the result if it changes; by default nothing.
    """

    format: str
    what: str
    data: Callable[[], bytes]
    seen: Callable[[bytes], Any]
    fate: Fate
    new: Any = None

    @property
    def name(self) -> str:
        return f"{self.format}: {self.what}"

    @property
    def kind(self) -> str:
        return self.format.split()[0].lower()


@dataclass(frozen=True)
class Outcome:
    """What became of a fact; `fate` is "wrong" if it is neither kept nor said."""

    fate: str
    said: str = ""


def facts() -> list[Fact]:
    from tests.photo.facts import gif, heif, jpeg, jpeg_xmp, png, tiff, webp

    modules = (jpeg, jpeg_xmp, png, webp, gif, tiff, heif)
    return [fact for module in modules for fact in module.facts()]


def measure(fact: Fact) -> Outcome:
    """Reads the file, writes it with other pixels, and looks for the fact in the result."""
    data = fact.data()
    before = fact.seen(data)
    if not before:
        raise AssertionError(f"{fact.name}: the file that was made does not say it")
    try:
        read = photo.read(data)
        after = photo.encode(read, _other(read.pixels), fact.kind)
    except PhotoError as error:
        return Outcome(REFUSED, str(error))
    if fact.kind != "tiff":  # of which Pillow does not read all kinds
        opened(after)
    said = "; ".join(lost(read, fact.kind))
    found = fact.seen(after)
    if found == before and not said:
        return Outcome(CARRIED)
    if said:
        return Outcome(SAID if not found or found == fact.new else f"wrong: {found!r}", said)
    changed = (found or None) == fact.new
    return Outcome(CHANGED if changed else f"wrong: {found!r} of {before!r}"[:300])


def table() -> str:
    """A line for each fact."""
    rows = []
    for fact in facts():
        outcome = measure(fact)
        fate = f'{outcome.fate}: "{outcome.said}"' if outcome.said else outcome.fate
        rows.append(f"| {fact.format} | {fact.what} | {fate} |\n")
    return "".join(rows)


def opened(data: bytes) -> Any:
    """The file in Pillow, its pixels decoded, as some metadata lie behind them."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def _other(pixels: np.ndarray) -> np.ndarray:
    """Other pixels, of the same transparency."""
    new = pixels[::-1].copy()
    if new.shape[2] in (2, 4):
        new[..., -1] = pixels[..., -1]
    return new
