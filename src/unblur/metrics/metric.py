"""What a metric is: a name, a direction, a function of two images, and what computed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, UInt8

from unblur.errors import MetricError

Image = UInt8[np.ndarray, "h w 3"] | Float[np.ndarray, "h w 3"]
Mask = Bool[np.ndarray, "h w"]


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
    measure: Callable[..., float]
    """`measure(image, truth=None, mask=None)`: the score of an image (h, w, 3) of 0 to 255. A mask
    (h, w) of bool says which pixels count. Raises MetricError if the images do not fit."""
    version: str
    """The library that computed it, its version, and which variant."""


def checked(name: str, function: Callable[..., float], smallest: int = 1) -> Callable[..., float]:
    """A metric's function of an image, its truth and a mask, that first looks whether they fit.

    Args:
        smallest: the least height and width in pixels.
    """

    def measure(
        image: np.ndarray, truth: np.ndarray | None = None, mask: np.ndarray | None = None
    ) -> float:
        if truth is None:
            raise MetricError(f"{name} needs the sharp image; without it there is niqe")
        if truth.shape != image.shape:
            sizes = f"{size(image)} against a truth of {size(truth)}"
            raise MetricError(f"{name}: an image of {sizes}; both must be of one size")
        if min(image.shape[:2]) < smallest:
            least = f"{smallest}x{smallest}"
            raise MetricError(f"{name}: an image of {size(image)} is too small; {least} will do")
        if mask is not None and not mask.any():
            raise MetricError(f"{name}: the mask leaves no pixel to measure")
        return function(image, truth, mask)

    return measure


def size(image: np.ndarray) -> str:
    """Width and height as people say them."""
    return f"{image.shape[1]}x{image.shape[0]}"


def library(name: str, detail: str = "") -> str:
    """`name` with its installed version and, after a comma, what else decides the number."""
    try:
        named = f"{name} {version(name)}"
    except PackageNotFoundError:
        named = name
    return f"{named}, {detail}" if detail else named
