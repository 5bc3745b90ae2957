"""What the page says of blur and of scales."""

from __future__ import annotations

import numpy as np
import pytest

from unblur.inference.blur_map import BlurMap
from unblur.inspection import Inspection
from unblur.inspection.summary import Kind
from unblur.serve.api import noted
from unblur.serve.jobs import words

NOTHING = BlurMap(*np.zeros((5, 1, 1), np.float32))


def inspection(kind: Kind, score: int, angle: float | None = None) -> Inspection:
    return Inspection(score, 0.25, 13.6, angle, 5.2, kind, 16, 16, NOTHING)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (inspection("camera shake", 43), "Camera shake, about 14 pixels"),
        (inspection("camera shake", 43, 80), "Camera shake, about 14 pixels up and down"),
        (inspection("camera shake", 43, 40), "Camera shake, about 14 pixels rising to the right"),
        (inspection("camera shake", 43, 179), "Camera shake, about 14 pixels from side to side"),
        (
            inspection("moving subject", 60, 135),
            "Moving subject, about 14 pixels falling to the right in 25 % of the photo",
        ),
        (inspection("defocus", 30), "Out of focus by a radius of about 5 pixels"),
        (inspection("none", 98), "No blur to speak of"),
    ],
)
def test_an_inspection_in_words(found: Inspection, said: str) -> None:
    assert plain(words.blur(found)) == f"{said}, sharpness {found.score} of 100"


def test_what_is_not_blurred_is_called_sharp_and_the_worse_half_blurred() -> None:
    assert words.level(inspection("none", 70)) == "sharp"
    assert words.level(inspection("defocus", 70)) == "soft"
    assert words.level(inspection("defocus", 30)) == "blurred"


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({1.0: 1.0}, ""),
        ({1.0: 0.98, 0.5: 0.02}, ""),
        ({0.5: 1.0}, "Long blur: worked at half size"),
        ({1.0: 0.6, 0.5: 0.4}, "Long blur: worked at half size in 40 % of the photo"),
        (
            {1.0: 0.9, 2 / 3: 0.1},
            "Long blur: worked at two thirds of its size in 10 % of the photo",
        ),
        (
            {1.0: 0.5, 1 / 3: 0.2, 0.5: 0.295, 0.25: 0.005},
            "Long blur: worked at half size in 30 % and at a third in 20 % of the photo",
        ),
        ({0.25: 1.0}, "Long blur: worked at 25 % of its size"),
    ],
)
def test_scales_in_words(shares: dict[float, float], said: str) -> None:
    assert plain(words.scales(shares)) == said


def test_a_scale_that_was_chosen_says_nothing_of_the_blur() -> None:
    assert words.scales({0.5: 1.0}, chosen=True) == "Worked at half size"
    assert words.scales({1.0: 1.0}, chosen=True) == ""


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_any_words_fit_into_a_header() -> None:
    (value,) = noted(["a chunk\r\nX: 1", "é \udcff"]).values()
    assert value.isascii()
    assert value.isprintable()
    assert noted([]) == {}
