"""Bursts: photos of one camera within seconds of each other, and alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unblur.photo import Photo, Taken, displayed, taken

GAP = 3.0
"""Most seconds from a photo of a burst to the next one."""
ALIKE = 0.8
"""Least likeness of two photos of a burst.

Of pairs of unrelated photographs 0.7 % are more alike.
"""
_SIDE = 16
_SHIFT = 2


@dataclass(frozen=True)
class Shot:
    """What tells whether two photos are of one burst.

    Attributes:
        when: and by what; None if the file does not say.
        look: the photo in grey, float32 (16, 16): too small for its blur to show.
    """

    when: Taken | None
    look: np.ndarray


def shot(picture: Photo) -> Shot:
    """Reads a photo's shot."""
    small = displayed(picture.shown, picture).thumbnail_image(_SIDE, height=_SIDE, size="force")
    look = small.colourspace("b-w").numpy().reshape(_SIDE, _SIDE)
    return Shot(taken(picture), look.astype(np.float32))


def bursts(shots: Sequence[Shot]) -> list[int]:
    """Which photos are of one burst.

    Two photos are in one if a chain of photos leads from one to the other, each of the same camera,
    within `GAP` of the next and alike (`ALIKE`). A photo without a time is alone.

    Returns:
        For each shot the number of its burst; they count from 1 as they first appear.
    """
    leads = list(range(len(shots)))

    def lead(index: int) -> int:
        while leads[index] != index:
            leads[index] = leads[leads[index]]
            index = leads[index]
        return index

    timed = [(shot.when.camera, shot.when.seconds, i) for i, shot in enumerate(shots) if shot.when]
    timed.sort()
    for place, (camera, seconds, index) in enumerate(timed):
        for other_camera, later, other in timed[place + 1 :]:
            if other_camera != camera or later - seconds > GAP:
                break
            if lead(index) != lead(other) and likeness(shots[index], shots[other]) >= ALIKE:
                leads[lead(other)] = lead(index)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(lead(i), len(numbers) + 1) for i in range(len(shots))]


def best(numbers: Sequence[int], scores: Sequence[float], count: int) -> list[bool]:
    """Which photos are among the `count` of the highest score in their burst; first come, first."""
    taken_of: dict[int, int] = {}
    chosen = [False] * len(numbers)
    for index in sorted(range(len(numbers)), key=lambda i: -scores[i]):
        number = numbers[index]
        if taken_of.get(number, 0) < count:
            taken_of[number] = taken_of.get(number, 0) + 1
            chosen[index] = True
    return chosen


def likeness(one: Shot, other: Shot) -> float:
    """The highest correlation of two looks, -1 to 1, moved by up to an eighth of the picture."""
    inner = slice(_SHIFT, _SIDE - _SHIFT)
    middle = one.look[inner, inner]
    side = _SIDE - 2 * _SHIFT
    moved = np.lib.stride_tricks.sliding_window_view(other.look, (side, side)).reshape(-1, side**2)
    return float((_standardised(moved) @ _standardised(middle.reshape(-1))).max())


def _standardised(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(-1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-3)
