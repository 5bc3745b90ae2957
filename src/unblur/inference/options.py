"""The options that the command line and the HTTP API share, each declared once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """What an option is called, means, and takes; each shell adds how it is given."""

    name: str
    help: str
    least: float | None = None
    most: float | None = None


STRENGTH = Option("strength", "0 leaves the photo as it is, 1 is the full effect.", 0, 1)
FULL = 1.0
"""The strength, if none is given."""
BEST = Option("best", "Average over the eight turns and flips: +0.3 dB, eight times slower.")

MODEL = Option(
    "model",
    "default, default-int8 (the same in 8 bits, taken for default where it is faster), an ONNX "
    "file, or a checkpoint (with PyTorch).",
)
TILE = Option("tile", "Largest side worked on at once, for less memory.", 192)
MAX_PIXELS = Option("max-pixels", "Refuse photos of more pixels than this.", 1)
