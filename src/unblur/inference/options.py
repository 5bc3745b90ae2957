"""Options, each declared once: as a field of a dataclass, or here if several programs share it.

The command line (unblur.cli.options), the API's forms (unblur.serve.uploads) and the table in
docs/serve.md are made from the declarations.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field
from typing import Any, Literal

Precision = Literal["auto", "float", "f32", "bf16", "int8"]
"""Arithmetic of a network on a CPU; see `Deblurrer`."""


@dataclass(frozen=True)
class Option:
    """What an option means and takes.

    Attributes:
        help: one or two sentences.
        least: smallest number that it takes.
        most: largest number that it takes.
        duration: whether it is a time in seconds, which may be written as 90s, 9m or 2h.
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
FULL = 1.0
"""Default of the strength."""
BEST = Option("Average over the eight turns and flips: +0.3 dB, eight times slower.")
MODEL = Option(
    "default, default-int8 (the same in 8 bits, used for default where it is faster), an ONNX "
    "file, or a checkpoint (with PyTorch)."
)
TILE = Option("Largest side given to the network at once; by default as memory allows.", 192)
SHARP = 70
"""The score of `unblur inspect` from which a photo counts as sharp, unless another is named."""


def is_score(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d*)?", text) is not None


MAX_PIXELS = Option("Refuse photos of more pixels than this.", 1)
