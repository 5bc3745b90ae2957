"""What a metric is: a name, a direction, a function of two images, and what computed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, UInt8

from unblur.errors import UnblurError

Image = UInt8[np.ndarray, "h w 3"] | Float[np.ndarray, "h w 3"]
Mask = Bool[np.ndarray, "h w"]


class MetricError(UnblurError):
    """A metric that does not exist, cannot be had, or does not fit the images."""


@dataclass(frozen=True)
class Metric:
    """One column of a table."""

    name: str
    """What the command line and the JSON call it."""
    title: str
    """What a table's head calls it."""
    better: Literal["higher", "lower"]
    needs_truth: bool
    """False: it judges an image alone, and ignores truth and mask."""
    function: Callable[[np.ndarray, np.ndarray | None, np.ndarray | None], float]
    version: str
    """The library and its version that computed it, and which variant."""
    smallest: int = 1
    """The least height and width in pixels."""

    def measure(
        self, image: np.ndarray, truth: np.ndarray | None = None, mask: np.ndarray | None = None
    ) -> float:
        """The score of an image (h, w, 3) of 0 to 255, against its truth where it needs one.

        Args:
            mask: (h, w) of bool, the pixels that count; all of them if left out.

        Raises:
            MetricError: if the images do not fit each other or are too small.
        """
        if self.needs_truth:
            if truth is None:
                raise MetricError(f"{self.name} needs the sharp image; without it there is niqe")
            if truth.shape != image.shape:
                sizes = f"{_size(image)} against a truth of {_size(truth)}"
                raise MetricError(f"{self.name}: an image of {sizes}; both must be of one size")
            if mask is not None and not mask.any():
                raise MetricError(f"{self.name}: the mask leaves no pixel to measure")
        if min(image.shape[:2]) < self.smallest:
            side = self.smallest
            raise MetricError(
                f"{self.name}: an image of {_size(image)} is too small, it takes {side}x{side}"
            )
        return self.function(image, truth, mask)


def library(name: str, detail: str = "") -> str:
    """`name` with its installed version and, after a comma, what else decides the number."""
    try:
        named = f"{name} {version(name)}"
    except PackageNotFoundError:
        named = name
    return f"{named}, {detail}" if detail else named


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
