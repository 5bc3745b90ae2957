"""What a metric is: a name, a direction, a function of two images, and what computed it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, UInt8

from unblur.errors import Hint, MetricError

Image = UInt8[np.ndarray, "h w 3"] | Float[np.ndarray, "h w 3"]
Mask = Bool[np.ndarray, "h w"]


@dataclass(frozen=True)
class Metric:
    """One column of a table.

    Attributes:
        name: in the command line and in JSON.
        title: the column's head.
        better: which scores are better.
        function: of an image, its truth and a mask, all of which `measure` has checked.
        version: the library that computes it, its version, and the variant.
        needs_truth: False if it measures an image alone.
        digits: decimal places in tables.
        smallest: least height and width of an image, in pixels.
    """

    name: str
    title: str
    better: Literal["higher", "lower"]
    function: Callable[..., float]
    version: str
    needs_truth: bool = True
    digits: int = 3
    smallest: int = 1

    def measure(
        self, image: np.ndarray, truth: np.ndarray | None = None, mask: np.ndarray | None = None
    ) -> float:
        """The score of an image (h, w, 3) of 0 to 255.

        Args:
            truth: the sharp image; used only if `needs_truth`, as is `mask`.
            mask: (h, w) of bool, the pixels that count.

        Raises:
            MetricError: if the truth is missing or of another size, the image is too small, or the
                mask is empty.
        """
        if not self.needs_truth:
            return self.function(image)
        if truth is None:
            raise MetricError(f"{self.name} needs the sharp image", hint=Hint("metric", ("niqe",)))
        if truth.shape != image.shape:
            sizes = f"{size(image)} against a truth of {size(truth)}"
            raise MetricError(f"{self.name}: an image of {sizes}; both must be of one size")
        if min(image.shape[:2]) < self.smallest:
            reason = f"is too small; {self.smallest}x{self.smallest} will do"
            raise MetricError(f"{self.name}: an image of {size(image)} {reason}")
        if mask is not None and not mask.any():
            raise MetricError(f"{self.name}: the mask leaves no pixel to measure")
        return self.function(image, truth, mask)


def size(image: np.ndarray) -> str:
    """An image's size as text, WIDTHxHEIGHT."""
    return f"{image.shape[1]}x{image.shape[0]}"


def library(name: str, detail: str) -> str:
    """The name of a package, its installed version if there is one, and the variant."""
    with suppress(PackageNotFoundError):
        name = f"{name} {version(name)}"
    return f"{name}, {detail}"
