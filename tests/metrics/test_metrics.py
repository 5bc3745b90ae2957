from __future__ import annotations

import math

import numpy as np
import pytest

from unblur import metrics


def test_psnr_equals_its_definition(rng: np.random.Generator) -> None:
    a, b = rng.integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    mse = sum((int(x) - int(y)) ** 2 for x, y in zip(a.flat, b.flat, strict=True)) / a.size
    assert metrics.psnr(a, b) == pytest.approx(20 * math.log10(255 / math.sqrt(mse)))
    assert metrics.psnr(a, a) == math.inf


def test_ssim_is_one_for_equal_images_and_falls_with_noise(
    picture: np.ndarray, rng: np.random.Generator
) -> None:
    assert metrics.ssim(picture, picture) == pytest.approx(1)
    noisy = [
        (picture + rng.normal(0, sigma, picture.shape)).clip(0, 255).astype(np.uint8)
        for sigma in (5, 30)
    ]
    scores = [metrics.ssim(image, picture) for image in noisy]
    assert 1 > scores[0] > scores[1] > 0


def test_resizing_by_area_takes_means(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (12, 8, 3), dtype=np.uint8)
    small = metrics.resize_by_area(image, 4, 4)
    means = image.reshape(4, 3, 4, 2, 3).mean((1, 3))
    assert np.abs(small - means).max() <= 0.5 + 1e-6
    flat = np.full((7, 5, 3), 99, np.uint8)
    assert (metrics.resize_by_area(flat, 3, 2) == 99).all()
