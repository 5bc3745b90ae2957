"""The scale of each place follows the length of its blur."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from tests.inference.fakes import Fake, halve, of_length
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.scales import LENGTHS, OVERVIEW, ScaleMap, choose_scales

STEEP = 9
"""Doublings of the length from black to white."""


def shade(length: float) -> int:
    """The 16-bit grey of which `measuring` says that the motion has this length."""
    return round(np.log2(length) / STEEP * 65535)


@pytest.fixture(autouse=True)
def one_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    # The fake reads lengths from greys, at whatever scale it sees them.
    monkeypatch.setattr("unblur.inference.measure.SMALLEST", 10**6)


def measuring() -> Fake:
    """A network that reads lengths, in pixels of the full size, from the greys of an overview."""

    def planes(cells: np.ndarray) -> np.ndarray:
        found = of_length(OVERVIEW * 2 ** (STEEP * cells))
        found[4] = cells > 0.02  # black is without texture
        return found

    return Fake(halve, planes)


def chosen(image: np.ndarray) -> ScaleMap:
    network = measuring()
    return choose_scales(network, network.blur, image, 512)


def at(scales: ScaleMap, y: int, x: int) -> dict[float, Any]:
    """The shares at a pixel of the full size; those that are not 0."""
    place = slice(y, y + 1), slice(x, x + 1)
    found = {scale: scales.at(scale, *place).item() for scale in scales.weights}
    return {scale: pytest.approx(share, abs=0.01) for scale, share in found.items() if share > 0.01}


def grey(length: float, height: int = 1024, width: int = 1024) -> np.ndarray:
    return np.full((height, width, 3), shade(length), np.uint16)


@pytest.mark.parametrize(("scale", "length"), LENGTHS.items())
def test_each_length_has_its_scale(scale: float, length: float) -> None:
    assert at(chosen(grey(length)), 500, 500) == {scale: 1}


def test_between_two_lengths_two_scales_are_mixed() -> None:
    lengths = list(LENGTHS.items())
    for (larger, low), (smaller, high) in itertools.pairwise(lengths):
        found = at(chosen(grey((low * high) ** 0.5)), 500, 500)
        assert found == {larger: 0.5, smaller: 0.5}
    assert at(chosen(grey(1)), 0, 0) == {1.0: 1}
    assert at(chosen(grey(500)), 0, 0) == {min(LENGTHS): 1}


def test_places_have_scales_of_their_own_and_the_plain_ones_that_of_the_rest() -> None:
    image = grey(LENGTHS[1.0])
    image[:, 512:] = shade(LENGTHS[1 / 2])
    scales = chosen(image)
    assert at(scales, 500, 150) == {1.0: 1}
    assert at(scales, 500, 900) == {1 / 2: 1}
    plain = grey(LENGTHS[1 / 2])
    plain[:384, :384] = 0
    assert at(chosen(plain), 100, 100) == {1 / 2: 1}
    assert at(chosen(0 * plain), 100, 100) == {1.0: 1}


def test_scales_at_which_nothing_is_left_are_not_chosen() -> None:
    for side, smallest in ((300, 1 / 4), (400, 1 / 6), (520, 1 / 8)):
        scales = chosen(grey(LENGTHS[1 / 8], side, 1000))
        assert at(scales, 100, 100) == {smallest: 1}
        assert min(scales.weights) == smallest


def test_a_small_image_keeps_its_size() -> None:
    for image in (grey(300, 255, 2000), grey(300, 1, 1)):
        assert Deblurrer(measuring()).scales(image).weights.keys() == {1.0}
    assert Deblurrer(measuring()).scales(grey(300, 256, 900)).weights.keys() == {1 / 4}
    assert Deblurrer(Fake(halve)).scales(grey(300)).weights.keys() == {1.0}
    assert Deblurrer(measuring(), scale=0.3).scales(grey(5)).weights.keys() == {0.3}


@pytest.mark.parametrize("ratio", [1.0, 2 / 3, 0.5, 1 / 3, 0.25, 1 / 8])
def test_the_shares_add_up_to_one_everywhere(rng: np.random.Generator, ratio: float) -> None:
    image = rng.integers(0, 65536, (9, 11, 1), np.uint16).repeat(120, 0).repeat(110, 1)
    scales = chosen(image.repeat(3, 2))
    assert len(scales.weights) > 3
    sides = [slice(int(ratio * n) // 3, int(ratio * n)) for n in image.shape[:2]]
    rows, columns = sides
    total = np.sum([scales.at(scale, rows, columns, ratio) for scale in scales.weights], axis=0)
    np.testing.assert_allclose(total, 1, atol=1e-5)
    assert total.shape == (rows.stop - rows.start, columns.stop - columns.start, 1)
    assert sum(scales.shares().values()) == pytest.approx(1)
    assert list(scales.weights) == sorted(scales.weights, reverse=True)


def test_places_look_blurred_from_afar_from_some_pixels_on_and_sooner_in_noise() -> None:
    place = slice(500, 501), slice(500, 501)
    for length, plain, noise in ((2, 0, 0), (4, 0, 1), (5.66, 0.5, 1), (8, 1, 1), (60, 1, 1)):
        scales = chosen(grey(length))
        assert scales.blurred_at(*place) == pytest.approx(plain, abs=0.02)
        assert scales.blurred_at(*place, noisy=1) == pytest.approx(noise, abs=0.02)
    assert ScaleMap.of_one(1.0).blurred_at(*place) == 1
