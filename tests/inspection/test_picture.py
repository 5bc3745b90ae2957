"""The strokes of a blur map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.inspection.maps import uniform
from unblur.inspection.picture import SCALE, dimmed, overlay


def drawn_angle(strokes: np.ndarray) -> float:
    """The direction of what is drawn, by its moments, in degrees."""
    y, x = np.nonzero(strokes[..., 3] > 128)
    y, x = y.mean() - y, x - x.mean()
    return float(np.degrees(np.arctan2(2 * (x * y).mean(), (x * x - y * y).mean()) / 2) % 180)


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 150])
def test_a_stroke_lies_along_the_motion(angle: float) -> None:
    strokes = overlay(uniform(1, 1, length=12, angle=angle), 16, 16)
    assert strokes.shape == (16, 16, 4)
    assert strokes.dtype == np.uint8
    assert abs((drawn_angle(strokes) - angle + 90) % 180 - 90) < 6


def test_nothing_is_drawn_where_nothing_is_known_or_blurred() -> None:
    for blank in (
        uniform(4, 6),
        uniform(4, 6, length=30, confidence=0.2),
        uniform(4, 6, length=1, radius=0.5),
    ):
        assert not overlay(blank, 96, 64).any()
    left = uniform(4, 6, length=30)
    left.confidence[:, 3:] = 0
    strokes = overlay(left, 96, 64)
    assert strokes[:, :47, 3].any()
    assert not strokes[:, 49:].any()


def test_a_circle_is_a_defocus_and_a_dot_a_motion_without_direction() -> None:
    circle = overlay(uniform(1, 1, radius=6), 16, 16)[..., 3]
    assert circle[8, 8] == 0
    assert circle[8, 2] > 0 < circle[2, 8]
    dot = overlay(uniform(1, 1, length=20, straight=0), 16, 16)[..., 3]
    assert dot[8, 8] == 255
    assert dot[8, 2] == dot[2, 8] == 0


def test_a_longer_motion_is_lighter_and_longer() -> None:
    light, area = [], []
    for length in (5, 9, 14):
        strokes = overlay(uniform(1, 1, length=length), 16, 16)
        light.append(strokes[8, 8, :3] @ [0.299, 0.587, 0.114])
        area.append((strokes[..., 3] > 128).sum())
    assert light == sorted(set(light))
    assert area == sorted(set(area))
    assert tuple(overlay(uniform(1, 1, length=200), 64, 64, (16, 16))[32, 32, :3]) == SCALE[-1][1]


@pytest.mark.parametrize("size", [(96, 64), (640, 427), (3000, 2000)])
def test_strokes_are_apart_at_every_size(size: tuple[int, int]) -> None:
    """Of a photo of 24 megapixels: never a solid area, never too few to see."""
    width, height = size
    blur = uniform(250, 375, length=80, angle=20)
    covered = (overlay(blur, width, height, (6000, 4000))[..., 3] > 128).mean()
    assert 0.05 < covered < 0.35


def test_the_strokes_of_a_smaller_picture_lie_where_those_of_the_photo_do() -> None:
    blur = uniform(7, 7)
    blur.length[6, 6] = 20  # the photo has a column of it
    blur = replace(blur, confidence=np.float32(blur.length > 0))
    strokes = overlay(blur, 97, 97)
    assert strokes[..., 3].any()
    y, x = np.nonzero(overlay(blur, 50, 50, (100, 100))[..., 3])
    assert x.min() > 40
    assert y.min() > 40


def test_the_photo_is_dark_and_grey_under_the_strokes(picture: np.ndarray) -> None:
    height, width = picture.shape[:2]
    rows, columns = -(-height // 16), -(-width // 16)
    plain = dimmed(picture, uniform(rows, columns))
    assert plain.mean() < 0.6 * picture.mean()
    assert np.ptp(plain, axis=2).mean() < 0.3 * np.ptp(picture, axis=2).mean()
    shown = dimmed(picture, uniform(rows, columns, length=70))
    drawn = overlay(uniform(rows, columns, length=70), width, height)[..., 3] > 0
    assert np.array_equal(shown[~drawn], plain[~drawn])
    assert (shown[drawn] != plain[drawn]).any(1).mean() > 0.9
