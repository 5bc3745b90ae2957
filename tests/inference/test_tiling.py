from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unblur.inference.tiling import run_padded, run_tiled, spans


def blur(image: np.ndarray) -> np.ndarray:
    """An operator of reach 4: a mean over 9 columns, borders repeated."""
    padded = np.pad(image, [(0, 0), (4, 4), (0, 0)], mode="edge")
    parts = [padded[:, k : k + image.shape[1]] for k in range(9)]
    return np.asarray(np.mean(parts, axis=0, dtype=np.float32))


def tiled(operator: Any, image: np.ndarray, *limits: int) -> np.ndarray:
    strips = run_tiled(operator, lambda y, x: image[y, x], image.shape[:2], *limits)
    out = np.full(image.shape, np.nan, np.float32)
    end = 0
    for rows, strip in strips:
        assert rows.start == end
        end = rows.stop
        out[rows] = strip
    return out


@given(
    length=st.integers(1, 5000),
    tile=st.integers(64, 900),
    overlap=st.integers(0, 24),
    multiple=st.sampled_from([1, 4, 8]),
)
def test_weights_add_up_to_one_everywhere(
    length: int, tile: int, overlap: int, multiple: int
) -> None:
    total = np.zeros(length)
    for place, weights in spans(length, tile, overlap, multiple):
        assert place.start % multiple == 0
        assert 0 <= place.start < place.stop <= length
        assert place.stop - place.start <= tile
        assert (weights >= 0).all()
        total[place] += weights
    np.testing.assert_allclose(total, 1, atol=1e-5)


@given(length=st.integers(1, 5000), tile=st.integers(80, 900))
def test_borders_inside_the_image_are_not_used(length: int, tile: int) -> None:
    for place, weights in spans(length, tile, 30, 1):
        assert place.start == 0 or not weights[:10].any()
        assert place.stop == length or not weights[-10:].any()


@pytest.mark.parametrize("workers", [1, 3])
def test_tiled_equals_whole_if_the_operator_reaches_no_further_than_the_unused_border(
    rng: np.random.Generator, workers: int
) -> None:
    image = rng.random((130, 300, 3), dtype=np.float32)
    np.testing.assert_allclose(tiled(blur, image, 100, 16, 4, workers), blur(image), atol=1e-6)


def test_only_a_few_tiles_are_at_work_ahead_of_what_was_asked_for() -> None:
    seen = []

    def read(y: slice, x: slice) -> np.ndarray:
        seen.append(y)
        return np.zeros((64, 64, 1))

    strips = run_tiled(lambda tile: tile, read, (64 * 40, 64), 64, 0, 1)
    next(strips)
    assert len(seen) <= 4
    strips.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert len(seen) <= 5


@given(height=st.integers(1, 40), width=st.integers(1, 40))
def test_any_size_comes_back_whole(height: int, width: int) -> None:
    seen = []

    def identity(batch: np.ndarray) -> np.ndarray:
        seen.append(batch.shape)
        return batch

    image = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
    out = tiled(lambda tile: run_padded(identity, tile, 8), image, 24, 8, 8)
    np.testing.assert_allclose(out, image, atol=1e-6)
    assert all(h % 8 == 0 and w % 8 == 0 for _, _, h, w in seen)


def test_a_tile_smaller_than_its_overlaps_is_refused() -> None:
    with pytest.raises(ValueError, match="must be larger than 13 for an overlap of 8"):
        tiled(blur, np.zeros((9, 9, 3), np.float32), 12, 8, 4)
