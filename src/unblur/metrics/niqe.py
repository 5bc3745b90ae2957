"""NIQE: how natural the statistics of a photo are; no sharp image is needed.

Mittal, Soundararajan, Bovik, "Making a completely blind image quality analyzer", 2013. Equation
numbers are that paper's.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from unblur.errors import MetricError
from unblur.metrics.metric import Image, Metric, library, size

BLOCK = 96
"""Side of the patches whose statistics are taken, in pixels; halved at the second scale."""

# MATLAB's rgb2gray.
_GRAY = (0.298936, 0.587043, 0.114021)
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))


def niqe(image: Image) -> float:
    """Distance of a photo's statistics from those of pristine photos; about 2 to 10, lower better.

    As in the authors' MATLAB release: luma by `rgb2gray`, whole blocks of 96 pixels, halved once by
    MATLAB's antialiased bicubic. BasicSR has another luma and another down-scaling and differs in
    the first decimal. False texture scores as well as true detail, so it is of use only to rank
    photos without a truth. nan where too few blocks have any texture.

    Raises:
        MetricError: for an image of fewer than two blocks.
    """
    from scipy.linalg import pinvh

    rows, columns = (length // BLOCK for length in image.shape[:2])
    if rows * columns < 2:
        least = f"{2 * BLOCK}x{BLOCK}"
        raise MetricError(f"niqe: an image of {size(image)} is too small; {least} will do")
    gray = np.rint(image[: rows * BLOCK, : columns * BLOCK] @ _GRAY)
    with np.errstate(divide="ignore", invalid="ignore"):  # a flat block has no statistics
        fine = list(map(_features, _blocks(_normalise(gray), BLOCK)))
        coarse = list(map(_features, _blocks(_normalise(_halve(gray)), BLOCK // 2)))
    features = np.hstack([fine, coarse])
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < 2:
        return math.nan
    mean, covariance = _pristine()
    difference = mean - np.nanmean(features, axis=0)
    covariance = (covariance + np.cov(whole, rowvar=False)) / 2
    return float(np.sqrt(difference @ pinvh(covariance) @ difference))  # eq. 10


def metric(name: str) -> Metric:
    """`niqe`."""
    computed = library("unblur", "as LIVE's release of 2012 with its pristine model")
    return Metric(name, "NIQE", "lower", niqe, computed, needs_truth=False, digits=2)


def _features(block: Float[np.ndarray, "h w"]) -> list[float]:
    """18 numbers: the shape of the coefficients and of the products with four neighbours."""
    from scipy.special import gamma

    alpha, left, right = _fit(block)
    found = [alpha, (left + right) / 2]
    for shift in _SHIFTS:
        alpha, left, right = _fit(block * np.roll(block, shift, axis=(0, 1)))
        mean = (right - left) * float(gamma(2 / alpha) / gamma(1 / alpha))  # eq. 8
        found += [alpha, mean, left, right]
    return found


def _fit(values: Float[np.ndarray, "h w"]) -> tuple[float, float, float]:
    """Shape and two scales of an asymmetric generalised Gaussian, by moments (eq. 4 to 7)."""
    from scipy.special import gamma

    below, above = values[values < 0], values[values > 0]
    if not below.size or not above.size:
        return math.nan, math.nan, math.nan
    left, right = np.sqrt(np.mean(below**2)), np.sqrt(np.mean(above**2))
    skew = left / right
    ratio = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shapes, ratios = _table()
    alpha = float(shapes[np.argmin(np.abs(ratios - ratio))])
    scale = np.sqrt(gamma(1 / alpha) / gamma(3 / alpha))
    return alpha, float(left * scale), float(right * scale)


@cache
def _table() -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """The shapes that are tried, 0.2 to 10, and each one's ratio of moments."""
    from scipy.special import gamma

    shapes = np.arange(200, 10001) / 1000
    ratios = gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))
    return shapes, ratios


@cache
def _pristine() -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n n"]]:
    """Mean and covariance of 125 pristine photos' features, as LIVE published them.

    Mittal et al., "NIQE Software Release", 2012; its notice is in niqe_pristine.LICENSE.txt.
    """
    with files("unblur.metrics").joinpath("niqe_pristine.npz").open("rb") as file:
        stored = np.load(file)
        return stored["mean"], stored["covariance"]


def _normalise(gray: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Mean subtracted, contrast normalised (eq. 1 to 3), under a 7 x 7 Gaussian window."""
    from scipy.ndimage import gaussian_filter

    def blur(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, 7 / 6, mode="nearest", radius=3)

    mean = blur(gray)
    return (gray - mean) / (np.sqrt(np.abs(blur(gray**2) - mean**2)) + 1)


def _halve(gray: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "i j"]:
    """MATLAB's `imresize(gray, 0.5)`: Keys' cubic kernel, twice as wide against aliasing."""
    from scipy.ndimage import correlate1d

    x = np.abs(np.arange(-3.5, 4)) / 2
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    kernel = np.where(x <= 1, near, far) / 2
    for axis in (0, 1):
        # An even kernel's centre lies half a pixel to the right: the new pixel between old ones.
        gray = correlate1d(gray, kernel, axis, mode="reflect", origin=-1)
        gray = gray[::2] if axis == 0 else gray[:, ::2]
    return gray


def _blocks(values: Float[np.ndarray, "h w"], side: int) -> Float[np.ndarray, "n s s"]:
    """The blocks of an image of whole ones, column by column."""
    rows, columns = (n // side for n in values.shape)
    blocks = values.reshape(rows, side, columns, side).transpose(2, 0, 1, 3)
    return blocks.reshape(-1, side, side)
