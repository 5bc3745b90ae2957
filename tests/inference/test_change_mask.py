from __future__ import annotations

import numpy as np
import pytest

from unblur.inference.change_mask import CELL, LOWER_THRESHOLD, UPPER_THRESHOLD, change_mask


def naive_level(change: np.ndarray, y: int, x: int) -> float:
    """Root mean square over the cell of a place and the eight around it."""
    top, left = (max(0, (n // CELL - 1) * CELL) for n in (y, x))
    part = change[top : (y // CELL + 2) * CELL, left : (x // CELL + 2) * CELL]
    return float(np.sqrt(np.square(part).mean()))


def test_share_at_a_cells_middle_follows_the_change_around_it() -> None:
    rng = np.random.default_rng(0)
    size = np.kron(rng.uniform(0, 3, (8, 10)), np.ones((CELL, CELL)))[..., None] / 255
    change = (size * rng.choice([-1, 1], (8 * CELL, 10 * CELL, 3))).astype(np.float32)
    share = change_mask(change)[..., 0]
    for row in range(1, 7):
        for column in range(1, 9):
            y, x = row * CELL + CELL // 2, column * CELL + CELL // 2
            level = naive_level(change, y, x)
            expected = np.interp(level, (LOWER_THRESHOLD, UPPER_THRESHOLD), (0, 1))
            # The middle of an even number of pixels lies between four of them.
            found = share[y - 1 : y + 1, x - 1 : x + 1].mean()
            assert found == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 300, 1), (33, 16, 3), (100, 130, 3)])
def test_nothing_stays_nothing_and_all_stays_all(shape: tuple[int, ...]) -> None:
    assert change_mask(np.full(shape, 0.99 * LOWER_THRESHOLD, np.float32)).max() == 0
    assert change_mask(np.full(shape, 1.01 * UPPER_THRESHOLD, np.float32)).min() == pytest.approx(1)


def test_a_region_at_rest_beside_a_changed_one_is_left_alone() -> None:
    change = np.zeros((256, 256, 3), np.float32)
    change[:, 128:] = 0.05
    share = change_mask(change)
    assert (share[:, : 128 - 3 * CELL] == 0).all()
    assert share[:, 128:].min() == pytest.approx(1)
    assert np.abs(np.diff(share[..., 0], axis=1)).max() < 2 / CELL
