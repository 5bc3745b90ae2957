"""Fills the colours under fully transparent pixels, so that a network sees no edge there."""

from __future__ import annotations

import numpy as np


def fill_transparent(pixels: np.ndarray) -> np.ndarray:
    """Replace the colours of fully transparent pixels by an extrapolation of the others.

    Transparent pixels are often black, which a network spreads into the visible pixels beside
    them as dark fringes.

    Args:
        pixels: (h, w, c); returned as they are without alpha (c of 1 or 3).

    Returns:
        (h, w, c) of the same dtype; alpha and every visible pixel are unchanged.
    """
    if pixels.shape[2] in (1, 3) or 0 in pixels.shape:
        return pixels
    hidden = pixels[..., -1] == 0
    if not hidden.any() or hidden.all():
        return pixels
    weights = pixels[..., -1:].astype(np.float32)
    weights /= weights.max()
    filled = _pull_push(pixels[..., :-1].astype(np.float32), weights)[hidden]
    out = pixels.copy()
    out[hidden, :-1] = np.rint(filled) if pixels.dtype.kind == "u" else filled
    return out


def _pull_push(colours: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fill the colours whose weight is 0 from the picture at half the size, filled in the same way.

    Gortler et al. 1996, The Lumigraph, section 3.4: pull, push.
    """
    if weights.all():
        return colours
    half_weights = _halved(weights)
    half = _halved(colours * weights) / np.maximum(half_weights, np.float32(1e-12))
    coarse = _doubled(_pull_push(half, np.minimum(half_weights * 4, 1)))
    return np.where(weights > 0, colours, coarse[: colours.shape[0], : colours.shape[1]])


def _halved(values: np.ndarray) -> np.ndarray:
    """Means of 2 x 2; an odd side is padded with zeros, whose weight is 0."""
    height, width = values.shape[:2]
    even = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)))
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def _doubled(values: np.ndarray) -> np.ndarray:
    """Twice the size, bilinear: three quarters of the near sample, a quarter of the next."""
    for axis in (0, 1):
        first, last = values.take([0], axis), values.take([-1], axis)
        padded = np.concatenate([first, values, last], axis)
        count = values.shape[axis]
        before = padded.take(range(count), axis) * np.float32(0.25)
        after = padded.take(range(2, count + 2), axis) * np.float32(0.25)
        near = values * np.float32(0.75)
        stacked = np.stack([near + before, near + after], axis + 1)
        shape = list(values.shape)
        shape[axis] *= 2
        values = stacked.reshape(shape)
    return values
