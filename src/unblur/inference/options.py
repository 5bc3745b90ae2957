"""Options that several commands and the HTTP API share, each declared once.

The command line (unblur.cli.options) and the API's forms (unblur.serve.uploads) are made from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Option:
    """What an option means and takes; it is called as the field or parameter that it annotates.

    Attributes:
        help: one or two sentences.
        least: smallest number that it takes.
        most: largest number that it takes.
        duration: whether it is a time, in seconds, that is also written as 90s, 9m or 2h.
    """

    help: str
    least: float | None = None
    most: float | None = None
    duration: bool = False


STRENGTH = Option("0 leaves the photo as it is, 1 is the full effect.", 0, 1)
FULL = 1.0
"""Default of the strength."""
BEST = Option("Average over the eight turns and flips: +0.3 dB, eight times slower.")
MODEL = Option(
    "default, default-int8 (the same in 8 bits, used for default where it is faster), an ONNX "
    "file, or a checkpoint (with PyTorch)."
)
TILE = Option("Largest side given to the network at once; smaller needs less memory.", 192)
MAX_PIXELS = Option("Refuse photos of more pixels than this.", 1)

Precision = Literal["auto", "float", "f32", "bf16", "int8"]
"""Arithmetic of a network on a CPU; see `engine.Engine`."""
