"""Colours under transparent pixels are extrapolated."""

from __future__ import annotations

import numpy as np
import pytest

from tests.photo import fidelity
from unblur import photo

CASES = fidelity.cases()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_hidden_colours_are_continued(dtype: type) -> None:
    peak = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    pixels = np.zeros((61, 83, 4), dtype)
    pixels[20:40, 30:50] = np.array([0.8, 0.4, 0.2, 1]) * peak
    filled = photo.fill_transparent(pixels)
    assert filled.dtype == dtype
    assert np.array_equal(filled[..., 3], pixels[..., 3])
    assert np.array_equal(filled[20:40, 30:50], pixels[20:40, 30:50])
    assert np.abs(filled[..., :3] / peak - (0.8, 0.4, 0.2)).max() < 0.01
    assert pixels[0, 0, 0] == 0
    opaque = pixels[20:40, 30:50]
    assert np.array_equal(photo.fill_transparent(opaque), opaque)


def test_hidden_colours_are_smooth() -> None:
    """A ramp with a hole: what is put into the hole goes on from its rim."""
    x = np.mgrid[:64, :64][1]
    pixels = np.stack([x * 3, x * 3, x * 3, np.full_like(x, 255)], axis=2).astype(np.uint8)
    pixels[20:44, 20:44] = 0
    filled = photo.fill_transparent(pixels)[..., 0].astype(int)
    assert np.abs(filled[:, 1:] - filled[:, :-1])[:, 18:46].max() < 30
    assert np.abs(filled[20:44, 20] - 60).max() < 30
