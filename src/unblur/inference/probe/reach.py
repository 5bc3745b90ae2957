"""Measures how far a network looks, as a seam is seen: by comparing overlapping tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from unblur.inference.blur_map import CELL
from unblur.inference.contract import Contract
from unblur.inference.memory import available
from unblur.inference.probe.picture import picture_of

ENOUGH = 0.1
"""Levels of 255 that are no difference: of another photo it may be some times more."""
RAMP = 16
"""Pixels over which neighbouring tiles fade into each other, where both are right."""
_LENGTHS = (256, 512, 1024)
"""Lengths, in pixels, of the strips that are compared, until one is long enough."""
_BREADTH = 128


def with_reach(one: Callable[[np.ndarray], np.ndarray], contract: Contract) -> Contract:
    """The contract with the reach, what follows for tiles, and the grid that they need."""
    lengths = [min(contract.size)] if contract.size else _LENGTHS
    profile = np.zeros(1)
    for length in lengths:
        if length * _BREADTH * contract.memory > available() / 2 and length != lengths[0]:
            break
        profile, grid = _seam_profile(one, contract.size, length)
        wrong = np.flatnonzero(profile > ENOUGH)
        reach = int(wrong[-1]) + 1 if len(wrong) else 0
        if reach < len(profile):
            multiple = contract.multiple if grid <= CELL else math.lcm(grid, contract.multiple)
            overlap = 2 * reach + RAMP
            return replace(contract, multiple=multiple, overlap=overlap, reach=reach)
        flat = profile[len(profile) // 2 :].mean() > profile[: len(profile) // 2].mean() / 4
        if flat and length != lengths[0]:
            break  # whatever the tile: it pools over the whole picture
    used = profile[min(contract.overlap // 3, len(profile) - 1) :]
    return replace(contract, seam=float(used.max()))


def _seam_profile(
    one: Callable[[np.ndarray], np.ndarray], size: tuple[int, int] | None, length: int
) -> tuple[np.ndarray, int]:
    """How much overlapping tiles differ at each distance from a cut edge, in levels of 255.

    Tiles are compared with others that are shifted to the right, and down; they have the network's
    one size, or are strips.

    Args:
        length: of the strips, in pixels; else the shorter side.

    Returns:
        The largest difference at each distance; and the least shift, at least `CELL`, at which
        the tiles are equal in their middle: the grid that they need.
    """
    # Powers of two, as the network's strides are.
    step = max(CELL, 2 ** int(math.log2(length / 3)))
    shapes = size or (_BREADTH, length), size or (length, _BREADTH)
    pictures = [picture_of((height + step, width + step)) for height, width in shapes]

    def tile(axis: int, shift: int) -> np.ndarray:
        height, width = shapes[axis]
        y, x = (0, shift) if axis == 0 else (shift, 0)
        return one(pictures[axis][y : y + height, x : x + width])

    firsts = [tile(0, 0), tile(1, 0)]
    across = np.abs(firsts[0][:, step:] - tile(0, step)[:, :-step]).max((0, 2)) * 255
    along = np.abs(firsts[1][step:] - tile(1, step)[:-step]).max((1, 2)) * 255
    count = min(len(across), len(along)) // 2
    sides = [across[:count], across[::-1][:count], along[:count], along[::-1][:count]]
    profile = np.max(sides, axis=0)
    if profile[-1] > ENOUGH:
        return profile, step
    for grid in (CELL, 2 * CELL, 4 * CELL):
        if grid >= step:
            break
        differs = np.abs(firsts[0][:, grid:] - tile(0, grid)[:, :-grid]).max((0, 2)) * 255
        middle = differs[count : -count or None]
        if len(middle) and middle.max() <= ENOUGH:
            return profile, grid
    return profile, step
