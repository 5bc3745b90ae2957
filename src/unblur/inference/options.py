"""Options, each declared once: as a field of a dataclass, or here if several programs share it.

The command line (unblur.cli.options), the API's forms (unblur.serve.uploads) and the table in
docs/serve.md are made from the declarations.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field
from fractions import Fraction
from typing import Any, Literal

Precision = Literal["auto", "float", "f32", "bf16", "int8"]
"""Arithmetic of a network on a CPU; see `Deblurrer`."""
Scale = float | Literal["auto"]
"""Of the photo's size, at which a network works; see `Deblurrer`."""


@dataclass(frozen=True)
class Option:
    """What an option means and takes.

    Attributes:
        help: one or two sentences.
        least: smallest number that it takes.
        most: largest number that it takes.
        duration: whether it is a time in seconds, which may be written as 90s, 9m or 2h.
        read: reads its value from text; the message of its ValueError says what was expected.
        argument: whether the command line takes it by its place, not by its name.
        short: another name on the command line.
        metavar: what its value is called in the command line's help.
        bare: the value of an option that is named without one; "" if it needs one.
        is_value: of an option with `bare`: whether what follows it is its value.
    """

    help: str
    least: float | None = None
    most: float | None = None
    duration: bool = False
    read: Callable[[str], Any] | None = None
    argument: bool = False
    short: str = ""
    metavar: str = ""
    bare: str = ""
    is_value: Callable[[str], bool] = lambda text: True


def option(default: Any, declared: str | Option, **facts: Any) -> Any:
    """Declares a field of a dataclass as an option; it has no default if `default` is `...`.

    Args:
        declared: the option, or its help, which `facts` complete.
    """
    made = Option(declared, **facts) if isinstance(declared, str) else declared
    return field(default=MISSING if default is ... else default, metadata={"option": made})


STRENGTH = Option("0 leaves the photo as it is, 1 is the full effect.", 0, 1)
SMALLEST_SCALE = 1 / 16


def scale_of(given: str | float) -> Scale:
    """A scale: "auto", or `SMALLEST_SCALE` to 1 as a number or as text such as 0.5 or 1/3.

    Raises:
        ValueError: for anything else.
    """
    if given == "auto":
        return "auto"
    scale = _number(given) if isinstance(given, str) else float(given)
    if not SMALLEST_SCALE <= scale <= 1:
        expected = "auto or a number from 1/16 to 1 was expected (0.5, 1/3)"
        raise ValueError(f"{expected}, not {str(given)[:40]!r}")
    return scale


def scale_text(scale: float) -> str:
    """A number as `scale_of` reads it: 1, 1/2, 2/3; with digits where no short fraction fits."""
    short = Fraction(scale).limit_denominator(8)
    return str(short) if float(short) == scale else f"{scale:.4g}"


def _number(text: str) -> float:
    """A number or a fraction; NaN for other text."""
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)(?:/(\d+\.?\d*))?", text.strip(), re.ASCII)
    below = float(match[2] or 1) if match else 0.0
    return float(match[1]) / below if match and below else math.nan


SCALE = Option(
    "Size at which the network works: auto, chosen place by place by the length of the blur; or 1, "
    "1/2, 0.3, ... of the photo's. At half the size, blur twice as long goes, and fine detail is "
    "left as it is. For videos, auto is 1.",
    read=scale_of,
    metavar="auto|NUMBER",
)
FULL = 1.0
"""Default of the strength."""
BEST = Option("Average over the eight turns and flips: +0.3 dB, eight times slower.")
MODEL = Option(
    "A name that unblur models lists, or a file: ONNX, or a checkpoint (with PyTorch), of unblur "
    "or of others."
)
TRUST = Option(
    "Open checkpoints in Python's pickle format (.pth, .pt, .ckpt), which can hold programs."
)
TILE = Option("Largest side given to the network at once; by default as memory allows.", 192)
EXACT = Option(
    "Measure photos of more than 2 megapixels at their full size: slower, and blur of a pixel or "
    "two is found too."
)
SHARP = 70
"""The score of `unblur inspect` from which a photo counts as sharp, unless another is named."""


def is_score(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d*)?", text) is not None


MAX_PIXELS = Option("Refuse photos of more pixels than this.", 1)
