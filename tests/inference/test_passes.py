"""Passes at several scales, in tiles, give what the whole image gives."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from tests.inference.fakes import Fake, halve, mean_of_three, of_length
from tests.reference import passes as twin
from unblur.inference.change_mask import change_mask
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.passes import summed
from unblur.inference.scales import ScaleMap

CELL = 64.0


def some_scales(rng: np.random.Generator, rows: int, columns: int) -> ScaleMap:
    """Random shares of three scales, which add up to 1; a part has the full size alone."""
    shares = rng.dirichlet([1, 1, 1], (rows, columns)).astype(np.float32)
    shares[:, :2] = (1, 0, 0)
    return ScaleMap(dict(zip((1.0, 0.5, 0.25), shares.transpose(2, 0, 1), strict=True)), CELL)


def changes(deblurrer: Deblurrer, image: np.ndarray, scales: ScaleMap) -> np.ndarray:
    out = np.full((*image.shape[:2], image.shape[2] - 1 + image.shape[2] % 2), np.nan, np.float32)
    end = 0
    for rows, change in deblurrer.changes(image, scales=scales):
        assert rows.start == end
        out[rows], end = change, rows.stop
    return out


@pytest.mark.parametrize("tile", [1024, 192])
def test_the_sum_of_passes_is_the_naive_one(rng: np.random.Generator, tile: int) -> None:
    image = rng.random((320, 640, 3), dtype=np.float32)
    scales = some_scales(rng, 5, 10)
    found = changes(Deblurrer(Fake(halve), tile=tile, masked=False), image, scales)
    expected = twin.change(image, halve, scales.weights, CELL)
    np.testing.assert_allclose(found, expected, atol=3e-6)


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("size", [(256, 512), (301, 467)])
def test_tiles_give_what_the_whole_gives(
    rng: np.random.Generator, scale: float, size: tuple[int, int]
) -> None:
    # Of a picture that ends in a plain margin, whose padding is the same in tiles and whole.
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    image[:, -24:] = 90
    one = ScaleMap.of_one(scale)
    whole, tiled = (
        changes(Deblurrer(Fake(mean_of_three), tile=tile, masked=False), image, one)
        for tile in (1024, 96)
    )
    np.testing.assert_allclose(tiled, whole, atol=3e-6)
    assert np.abs(whole).max() > 0.05


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_kind_of_image_has_several_scales(rng: np.random.Generator, channels: int) -> None:
    rgba = rng.random((320, 640, 4), dtype=np.float32)
    rgba[..., 1:3] = rgba[..., :1]
    rgba[..., 3] = 1
    image = rgba[..., [0, 3]] if channels == 2 else rgba[..., :channels]
    scales = some_scales(rng, 5, 10)
    deblurrer = Deblurrer(Fake(halve), masked=False)
    grey = changes(deblurrer, rgba[..., :1], scales)
    found = changes(deblurrer, image, scales)
    np.testing.assert_allclose(found, np.broadcast_to(grey, found.shape), atol=3e-6)


def test_the_measured_weight_counts_where_there_is_a_mask(rng: np.random.Generator) -> None:
    image = 0.2 + 0.02 * rng.random((64, 96, 3), dtype=np.float32)

    def planes(cells: np.ndarray) -> np.ndarray:
        return of_length(np.full_like(cells, 20), weight=0.25)

    full, weighed, plain = (
        changes(Deblurrer(Fake(halve, kind), masked=masked), image, ScaleMap.of_one(1.0))
        for kind, masked in ((None, True), (planes, True), (planes, False))
    )
    np.testing.assert_allclose(full, change_mask(plain) * plain, atol=1e-6)
    np.testing.assert_allclose(weighed, full / 4, atol=1e-6)


@pytest.mark.parametrize("best", [False, True])
def test_tiles_without_a_share_are_not_run(rng: np.random.Generator, best: bool) -> None:
    image = rng.random((256, 1024, 3), dtype=np.float32)
    left = np.repeat([[1, 0]], 8, axis=1).astype(np.float32).repeat(4, axis=0)
    network = Fake(halve)
    told: list[tuple[int, int]] = []
    deblurrer = Deblurrer(network, tile=128, masked=False, best=best)
    scales = ScaleMap({1.0: left, 0.5: 1 - left}, CELL)
    list(deblurrer.changes(image, lambda *news: told.append(news), scales))
    calls = next(network.calls)
    assert sorted(told) == [(n, calls) for n in range(calls)]
    both = ScaleMap({1.0: 0.5 + 0 * left, 0.5: 0.5 + 0 * left}, CELL)
    told.clear()
    list(deblurrer.changes(image, lambda *news: told.append(news), both))
    assert calls < 0.7 * len(told)


def test_an_exception_in_the_report_ends_the_work(rng: np.random.Generator) -> None:
    image = rng.random((512, 512, 3), dtype=np.float32)
    network = Fake(halve)

    def stop(begun: int, total: int) -> None:
        if begun == 3:
            raise KeyboardInterrupt

    scales = ScaleMap({1.0: np.full((8, 8), 0.5), 0.5: np.full((8, 8), 0.5)}, CELL)
    with pytest.raises(KeyboardInterrupt):
        list(Deblurrer(network, tile=128).changes(image, stop, scales))
    # Those that had begun in other threads end.
    assert next(network.calls) < 10


def test_no_more_is_held_of_a_tall_image() -> None:
    def peak(height: int) -> int:
        class Grey:
            shape, dtype = (height, 500, 3), np.dtype(np.uint8)

            def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray:
                return np.full((*(part.stop - part.start for part in key), 3), 128, np.uint8)

        thirds = np.full((height // 64, 8), 1 / 3, np.float32)
        scales = ScaleMap({1.0: thirds, 0.5: thirds, 0.25: thirds}, CELL)
        tracemalloc.start()
        for _ in Deblurrer(Fake(halve), tile=192, masked=False).changes(Grey(), scales=scales):
            pass
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    low, high = peak(1600), peak(6400)
    # As floats the images are 9.6 and 38.4 MB.
    assert high - low < 12e6
    assert high < 40e6


def test_strips_of_other_heights_are_added(rng: np.random.Generator) -> None:
    whole = rng.random((700, 4, 3), dtype=np.float32)

    def cut(heights: list[int]) -> Iterator[tuple[slice, np.ndarray]]:
        edges = [0, *itertools.accumulate(heights)]
        return ((slice(a, b), whole[a:b]) for a, b in itertools.pairwise(edges))

    parts = [cut([700]), cut([1, 255, 256, 188]), cut([300, 300, 100])]
    rows, sums = zip(*summed((700, 4, 4), parts), strict=True)
    assert [part.start for part in rows] == [0, 256, 512]
    np.testing.assert_allclose(np.concatenate(sums), 3 * whole, rtol=1e-6)
