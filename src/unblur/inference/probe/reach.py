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
_WINDOWS = (7, 3, 5)
"""Sides of a network's windows, or factors of them, besides powers of two."""
_Restore = Callable[[np.ndarray], np.ndarray]
"""Restores (h, w, 3), full scale = 1."""


def with_reach(one: _Restore, contract: Contract) -> Contract:
    """The contract with the reach, what follows for tiles, and the grid that they need."""
    size, cell = contract.size, math.lcm(contract.multiple, CELL)
    lengths = [min(size)] if size else [_up(length, cell) for length in _LENGTHS]
    profile = np.zeros(1)
    for length in dict.fromkeys(lengths):
        if length * _BREADTH * contract.memory > available() / 2 and length != lengths[0]:
            break
        shapes = (
            (size, size) if size else ((_up(_BREADTH, cell), length), (length, _up(_BREADTH, cell)))
        )
        step = _step(one, shapes[0], cell)
        profile = _seam_profile(one, shapes, step)
        wrong = np.flatnonzero(profile > ENOUGH)
        reach = int(wrong[-1]) + 1 if len(wrong) else 0
        if reach < len(profile):
            grid = _grid(one, shapes[0], step, cell, len(profile))
            multiple = contract.multiple if grid == cell else math.lcm(grid, contract.multiple)
            overlap = 2 * reach + RAMP
            return replace(contract, multiple=multiple, overlap=overlap, reach=reach)
        flat = profile[len(profile) // 2 :].mean() > profile[: len(profile) // 2].mean() / 4
        if flat and length != lengths[0]:
            break  # whatever the tile: it pools over the whole picture
    used = profile[min(contract.overlap // 3, len(profile) - 1) :]
    return replace(contract, seam=float(used.max()))


def _step(one: _Restore, shape: tuple[int, int], cell: int) -> int:
    """Pixels by which tiles are shifted, so that all that the network divides a picture into is.

    That is a power of two, as the network's strides are, unless tiles are equal in their middle
    only at a shift by windows of another side.
    """
    length = shape[1]
    usual = max(cell, _up(2 ** int(math.log2(length / 3)), cell))
    others = (_up(64, math.lcm(cell, window)) for window in _WINDOWS)
    steps = [usual, *(step for step in others if step <= length // 2)]
    picture = picture_of((shape[0], length + max(steps)))
    first = one(picture[:, :length])
    for step in steps:
        differs = np.abs(first[:, step:] - one(picture[:, step : step + length])[:, :-step])
        if differs[:, (length - step) // 2].max() * 255 <= ENOUGH:
            return step
    return usual


def _seam_profile(
    one: _Restore, shapes: tuple[tuple[int, int], tuple[int, int]], step: int
) -> np.ndarray:
    """How much overlapping tiles differ at each distance from a cut edge, in levels of 255.

    Args:
        shapes: of tiles of which others are shifted to the right, and down.
        step: pixels by which they are.
    """
    firsts, shifted = [], []
    for axis, (height, width) in enumerate(shapes):
        picture = picture_of((height + axis * step, width + (1 - axis) * step))
        firsts.append(one(picture[:height, :width]))
        shifted.append(one(picture[-height:, -width:]))
    across = np.abs(firsts[0][:, step:] - shifted[0][:, :-step]).max((0, 2)) * 255
    along = np.abs(firsts[1][step:] - shifted[1][:-step]).max((1, 2)) * 255
    count = min(len(across), len(along)) // 2
    sides = [across[:count], across[::-1][:count], along[:count], along[::-1][:count]]
    return np.max(sides, axis=0)


def _grid(one: _Restore, shape: tuple[int, int], step: int, cell: int, count: int) -> int:
    """The least shift at which tiles are equal in their middle: the grid that they need.

    Args:
        step: a shift at which they are equal.
        cell: what the grid is a multiple of.
        count: pixels from a tile's edge to its middle.
    """
    width = shape[1]
    grids = [grid for grid in range(cell, step, cell) if step % grid == 0]
    if not grids:
        return step
    picture = picture_of((shape[0], width + step))
    first = one(picture[:, :width])
    for grid in grids:
        shifted = one(picture[:, grid : grid + width])
        differs = np.abs(first[:, grid:] - shifted[:, :-grid]).max((0, 2)) * 255
        middle = differs[count : -count or None]
        if len(middle) and middle.max() <= ENOUGH:
            return grid
    return step


def _up(number: int, multiple: int) -> int:
    """The least multiple from a number on."""
    return number + -number % multiple
