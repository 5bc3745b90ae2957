"""Blur measured in tiles and at several scales."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tests.inference.fakes import Fake, halve, of_length
from unblur.inference.inspector import PIXELS, Inspector
from unblur.inference.measure import LONG, measure


def shown(cells: np.ndarray) -> np.ndarray:
    """Planes of all kinds, of which each is another function of a cell's grey."""
    sure = np.full_like(cells, 0.9)
    return np.stack([9 * cells, cells, 1 - cells, 2 * cells, sure, cells**2])


def of(network: Fake, image: np.ndarray, scale: float = 1.0, tile: int = 4096) -> np.ndarray:
    return measure(network, network.blur, image, scale, tile)


def moving(length: float, sees: float = 40.0, **more: float) -> Callable[[np.ndarray], np.ndarray]:
    """Planes of a photo of 1024 columns, at any scale; none is seen of more pixels than `sees`."""

    def planes(cells: np.ndarray) -> np.ndarray:
        scale = cells.shape[1] * 16 / 1024
        return of_length(np.full_like(cells, min(sees, length * scale)), **more)

    return planes


@pytest.mark.parametrize("size", [(160, 304), (333, 517), (1, 1), (1, 100), (15, 17)])
def test_tiles_give_what_the_whole_gives(rng: np.random.Generator, size: tuple[int, int]) -> None:
    cells = (math.ceil(size[0] / 16), math.ceil(size[1] / 16))
    grey = rng.integers(0, 256, (*cells, 1), np.uint8).repeat(16, 0).repeat(16, 1)
    image = grey[: size[0], : size[1]]
    network = Fake(halve, shown)
    whole, tiled = (of(network, image, tile=tile) for tile in (1024, 96))
    assert whole.shape == (6, *cells)
    np.testing.assert_allclose(tiled, whole, atol=1e-6)
    # Into the last cells, where they are cut, padding reflects those before.
    rows, columns = size[0] // 16, size[1] // 16
    expected = shown(grey[::16, ::16, 0] / 255)
    np.testing.assert_allclose(whole[:, :rows, :columns], expected[:, :rows, :columns], atol=1e-5)


@pytest.mark.parametrize(
    ("length", "weight"), [(0, 1.0), (8, 0.3), (LONG, 1.0), (100, 0.7), (140, 0)]
)
def test_long_motion_is_measured_where_it_is_shorter(length: float, weight: float) -> None:
    image = np.full((1024, 1024, 3), 99, np.uint8)
    found = of(Fake(halve, moving(length, weight=weight)), image)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], length, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[5], weight, rtol=1e-6)


def test_a_large_radius_counts_as_long_motion() -> None:
    def planes(cells: np.ndarray) -> np.ndarray:
        found = moving(0)(cells)
        found[3] = min(9.0, 30 * cells.shape[1] * 16 / 1024)
        return found

    found = of(Fake(halve, planes), np.full((1024, 1024, 3), 99, np.uint8))
    np.testing.assert_allclose(found[3], 30, rtol=1e-5)


def test_a_smaller_scale_that_knows_nothing_does_not_count() -> None:
    def planes(cells: np.ndarray) -> np.ndarray:
        return moving(100, confidence=1.0 if cells.shape[1] == 64 else 0.4)(cells)

    found = of(Fake(halve, planes), np.full((1024, 1024, 3), 99, np.uint8))
    np.testing.assert_allclose(found[0], 40)


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.25])
def test_lengths_are_in_pixels_of_the_full_size(scale: float) -> None:
    image = np.full((1024, 1024, 3), 99, np.uint8)
    found = of(Fake(halve, moving(12)), image, scale)
    assert found.shape == (6, 64 * scale, 64 * scale)
    np.testing.assert_allclose(found[0], 12, rtol=1e-5)


@pytest.mark.parametrize("exact", [False, True])
def test_the_map_of_a_large_photo_has_cells_of_the_full_size(exact: bool) -> None:
    image = np.zeros((1617, 2439, 3), np.uint8)
    image[:, 1200:] = 255
    assert image[..., 0].size > PIXELS
    scale = 1.0 if exact else math.sqrt(PIXELS / (1617 * 2439))
    columns: list[int] = []

    def planes(cells: np.ndarray) -> np.ndarray:
        columns.append(cells.shape[1])
        return of_length(cells.shape[1] * 16 / 2439 * (5 + 5 * cells))

    blur = Inspector(Fake(halve, planes, tile=4096), exact=exact)(image)
    assert max(columns) == math.ceil(2439 * scale / 16)
    assert blur.shape == (102, 153)
    np.testing.assert_allclose(blur.length[:, :70], 5, rtol=0.02)
    np.testing.assert_allclose(blur.length[:, 80:], 10, rtol=0.02)
    np.testing.assert_allclose(blur.angle, 0, atol=1e-4)
    assert blur.length.dtype == np.float32
