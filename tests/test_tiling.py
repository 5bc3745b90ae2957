from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unblur.tiling import run_tiled, spans


def blur(batch: np.ndarray) -> np.ndarray:
    """A network of reach 4: a mean over 9 columns, borders repeated."""
    padded = np.pad(batch, [(0, 0), (0, 0), (0, 0), (4, 4)], mode="edge")
    parts = [padded[..., k : k + batch.shape[-1]] for k in range(9)]
    return np.asarray(np.mean(parts, axis=0, dtype=np.float32))


@given(
    length=st.integers(1, 5000),
    tile=st.integers(48, 900),
    overlap=st.integers(0, 19),
    multiple=st.sampled_from([1, 4, 8]),
)
def test_weights_add_up_to_one_everywhere(
    length: int, tile: int, overlap: int, multiple: int
) -> None:
    total = np.zeros(length)
    tiles = list(spans(length, tile, overlap, multiple))
    for start, end, weights in tiles:
        assert len(tiles) == 1 or (end - start) % multiple == 0
        assert 0 <= start < end <= length
        assert end - start <= tile
        assert (weights >= 0).all()
        total[start:end] += weights
    np.testing.assert_allclose(total, 1, atol=1e-5)


def test_tiled_equals_whole_away_from_the_reach_of_a_tile_border(
    rng: np.random.Generator,
) -> None:
    image = rng.random((50, 300, 3), dtype=np.float32)
    whole = run_tiled(blur, image, 1000, 32, 4)
    tiled = run_tiled(blur, image, 100, 32, 4)
    # Each border is faded in over 32 pixels: what the border got wrong counts little.
    assert np.abs(tiled - whole).max() < 0.04
    starts = [start for start, _, _ in spans(300, 100, 32, 4)]
    edges = [edge for start in starts for edge in (start, start + 99)]
    far = [x for x in range(300) if all(abs(x - edge) > 4 for edge in edges)]
    np.testing.assert_allclose(tiled[:, far], whole[:, far], atol=1e-5)


@given(height=st.integers(1, 40), width=st.integers(1, 40))
def test_any_size_comes_back_whole(height: int, width: int) -> None:
    seen = []

    def identity(batch: np.ndarray) -> np.ndarray:
        seen.append(batch.shape)
        return batch

    image = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
    np.testing.assert_allclose(run_tiled(identity, image, 24, 8, 8), image, atol=1e-6)
    assert all(h % 8 == 0 and w % 8 == 0 for _, _, h, w in seen)


def test_a_tile_smaller_than_its_overlaps_is_refused() -> None:
    with pytest.raises(ValueError, match="twice the overlap"):
        run_tiled(blur, np.zeros((9, 9, 3), np.float32), 16, 8, 4)
