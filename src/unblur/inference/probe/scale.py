"""Finds out the range of a network's images: the values of black and white."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from unblur.inference.probe.picture import squares

RANGES = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0))
LITTLE = 0.15
"""Change of a smooth picture, full scale = 1, that no network that restores makes in its range."""
_SIDE = 128
"""Largest height and width, in pixels, of the pictures."""
_Change = Callable[[np.ndarray, float, float], np.ndarray]
"""What a network adds to a picture (h, w, 3), full scale = 1, taken in a range."""


def find_scale(
    run: Callable[[np.ndarray], np.ndarray], largest: int, multiple: int
) -> tuple[float, float]:
    """The range in which a network changes a smooth picture least.

    A network in [-1, 1] takes a picture in [0, 1] for a bright one, and restores it about as well:
    it is found by [0, 1] being no better. To be taken for one in [-1, 1] a network must also keep
    to that range, or sharpen in it; of one that does neither, [0, 1] is as good a guess as any, and
    what most networks take.

    Args:
        run: restores (1, 3, h, w) in its own range.
        largest: side, in pixels, that it takes.
        multiple: of the sides that it takes, up to it.
    """
    side = min(multiple * math.ceil(_SIDE / multiple), largest)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    smooth = np.stack([0.15 + 0.7 * x, 0.15 + 0.7 * y, 0.5 + 0.3 * np.sin(3 * x - 2 * y)], axis=2)

    def change(picture: np.ndarray, low: float, high: float) -> np.ndarray:
        """Of a picture (h, w, 3), full scale = 1."""
        own = (low + (high - low) * picture).astype(np.float32).transpose(2, 0, 1)[None]
        found = run(np.ascontiguousarray(own)).astype(np.float32) - own
        return found[0].transpose(1, 2, 0) / (high - low)

    def error(low: float, high: float) -> float:
        found = float(np.abs(change(smooth, low, high)).mean())
        return found if math.isfinite(found) else math.inf

    signed, unit, levels = (error(*scale) for scale in RANGES)
    # In another range, one in [0, 255] makes a mess, and there it adds next to nothing. So does one
    # that adds the same in any, which may be a third of white, but hardly more.
    least = 0.05 if _ends(run, side, 0, 255) else 0.3
    if levels < LITTLE and min(signed, unit) > 10 * levels + least:
        return RANGES[2]
    # Half is what it comes to where the same is added whatever the range.
    fits = signed < min(0.4 * unit, LITTLE) and _leaves(change, smooth, RANGES[1])
    if signed <= 1.25 * unit + 1e-4 and (
        fits or _ends(run, side, -1, 1) or _sharpens(change, side)
    ):
        return RANGES[0]
    return RANGES[1]


def _leaves(change: _Change, picture: np.ndarray, scale: tuple[float, float]) -> bool:
    """Whether a picture of middle tones comes back with some darker than black or over white."""
    found = picture + change(picture, *scale)
    return bool(found.min() < -0.05 or found.max() > 1.05)


def _ends(run: Callable[[np.ndarray], np.ndarray], side: int, low: float, high: float) -> bool:
    """Whether a network gives no values beyond a range, but some in its lower quarter."""
    span = high - low
    ramp = np.linspace(low - span, high + span, side, dtype=np.float32)
    found = run(np.broadcast_to(ramp, (1, 3, side, side)).copy())
    least, most = low - 0.01 * span, high + 0.01 * span
    return bool(least <= found.min() < low + span / 4 and high - span / 4 < found.max() <= most)


def _sharpens(change: _Change, side: int) -> bool:
    """Whether what a network adds in [-1, 1] to a blurred picture is like what it has lost.

    And more so than in [0, 1]. The correlation is above 0.45 for networks of unblur and of the
    paper, and 0.0 for networks of random weights.
    """
    sharp = 0.3 * squares((side, side), 32, 16, 8) + 0.5
    blurred = np.mean([np.roll(sharp, shift, axis=1) for shift in range(-3, 4)], axis=0)
    inner = slice(side // 8, -(side // 8))
    lost = (sharp - blurred)[inner, inner]

    def likeness(scale: tuple[float, float]) -> float:
        added = change(blurred, *scale)[inner, inner]
        size = math.sqrt(float(np.square(added).sum() * np.square(lost).sum()))
        return float((added * lost).sum()) / size if size else 0.0

    return likeness(RANGES[0]) > max(0.2, likeness(RANGES[1]))
