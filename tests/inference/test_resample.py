"""Resampling part by part is that of the whole, and that of the naive twin."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference import resample as twin
from unblur.inference.resample import Reduced, cells_at, enlarge_cells, enlarged_rows, reach, resize


def whole(source: np.ndarray, scale: float) -> np.ndarray:
    reduced = Reduced(source, scale)
    return reduced[slice(0, reduced.shape[0]), slice(0, reduced.shape[1])]


@pytest.mark.parametrize("scale", [1 / 8, 1 / 3, 0.5, 0.77, 1.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_lanczoss(rng: np.random.Generator, scale: float, channels: int) -> None:
    image = rng.random((83, 101, channels), dtype=np.float32)
    found = whole(image, scale)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, twin.resize(image, found.shape).clip(0, 1), atol=2e-6)


@pytest.mark.parametrize("shape", [(83, 101), (200, 150), (1, 333), (40, 3)])
def test_images_are_resized_either_way(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    image = rng.random((83, 101, 2), dtype=np.float32)
    np.testing.assert_allclose(resize(image, shape), twin.resize(image, shape), atol=3e-6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_parts_are_those_of_the_whole(rng: np.random.Generator, channels: int) -> None:
    image = rng.integers(1, 256, (260, 190, channels), dtype=np.uint8)
    reduced, full = Reduced(image, 0.4), whole(image, 0.4)
    assert reduced.shape == full.shape == (104, 76, channels - 1 + channels % 2)
    for rows, columns in (
        (slice(0, 1), slice(75, 76)), (slice(33, 104), slice(1, 50)), (slice(7, 71), slice(0, 76))
    ):  # fmt: skip
        np.testing.assert_allclose(reduced[rows, columns], full[rows, columns], atol=2e-6)


def test_only_the_part_that_is_needed_is_read(rng: np.random.Generator) -> None:
    read: list[tuple[slice, slice]] = []

    class Watched:
        shape, dtype = (4000, 3000, 3), np.dtype(np.uint8)

        def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray:
            read.append(key)
            return np.zeros((*(part.stop - part.start for part in key), 3), np.uint8)

    Reduced(Watched(), 0.25)[slice(500, 600), slice(0, 50)]
    assert min(rows.start for rows, _ in read) == pytest.approx(2000, abs=16)
    assert max(rows.stop for rows, _ in read) == pytest.approx(2400, abs=16)
    assert max(columns.stop for _, columns in read) == pytest.approx(200, abs=16)
    assert max(rows.stop - rows.start for rows, _ in read) < 200


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)])
def test_a_constant_stays_one_in_units_of_white(dtype: type, white: int) -> None:
    image = np.full((97, 61, 3), white, dtype) // 2 if white > 1 else np.full((97, 61, 3), 0.5)
    np.testing.assert_allclose(whole(image.astype(dtype), 0.3), 0.5, atol=0.002)
    assert whole(np.full((5, 1, 1), white, dtype), 0.1).shape == (1, 1, 1)


def test_what_is_transparent_does_not_bleed(rng: np.random.Generator) -> None:
    image = np.zeros((400, 300, 4), np.uint8)
    image[:, 150:] = (200, 100, 50, 255)
    image[300:] = (0, 0, 0, 0)
    for rows in (slice(0, 100), slice(60, 75), slice(40, 41)):
        found = Reduced(image, 0.25)[rows, slice(0, 75)]
        np.testing.assert_allclose(
            found, np.broadcast_to((200, 100, 50), found.shape) / 255, atol=1e-5
        )
    assert not Reduced(image, 0.25)[slice(80, 100), slice(0, 30)].any()


@pytest.mark.parametrize("sides", [(37, 211), (211, 37)])
def test_rows_need_what_reach_says(rng: np.random.Generator, sides: tuple[int, int]) -> None:
    old, new = sides
    image = rng.random((old, 20, 3), dtype=np.float32)
    full = resize(image, (new, 45))
    for rows in (slice(0, 5), slice(9, 29), slice(new - 1, new)):
        needed = reach(rows, sides)
        strip = image[needed]
        found = enlarged_rows(strip, needed.start, rows, sides, 45)
        np.testing.assert_allclose(found, full[rows], atol=2e-6)


@pytest.mark.parametrize("cell", [16, 5.5, 1])
def test_cells_are_interpolated_between_their_middles(
    rng: np.random.Generator, cell: float
) -> None:
    cells = rng.random((4, 6, 2), dtype=np.float32)
    height, width = round(3.6 * cell), round(5.5 * cell)
    found = enlarge_cells(cells, (height, width), cell)
    assert found.dtype == np.float32
    y, x = ((np.arange(n) + 0.5) / cell - 0.5 for n in (height, width))
    for k in range(2):
        lines = np.stack([np.interp(x, np.arange(6), line) for line in cells[..., k]])
        expected = np.stack([np.interp(y, np.arange(4), column) for column in lines.T], axis=1)
        np.testing.assert_allclose(found[..., k], expected, atol=1e-6)
    rows, columns = slice(height // 3, height), slice(1, width // 2)
    assert np.array_equal(cells_at(cells, rows, columns, cell), found[rows, columns])
