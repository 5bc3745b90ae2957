"""The published alignments undo what they are for, and no more."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from unblur.datasets import Dataset, Pair
from unblur.datasets.alignment import by_homography, by_shift
from unblur.errors import DataError

PAIR = Pair(Path("b"), Path("s"), "scene001/1")


@pytest.fixture
def smooth(rng: np.random.Generator) -> np.ndarray:
    """A (120, 160, 3) uint8 picture without edges, so that it survives being warped twice."""
    noise = rng.uniform(0, 255, (120, 160, 3))
    image = cv2.GaussianBlur(noise, (0, 0), 4)
    image = (image - image.min()) / (image.max() - image.min())
    return (image * 180 + 20).astype(np.uint8)


def psnr(restored: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    error = (restored.astype(float) - truth) ** 2
    error = float(error.mean() if mask is None else error[mask].mean())
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def warped(image: np.ndarray, homography: list[list[float]]) -> np.ndarray:
    matrix, size = np.array(homography, np.float32), (image.shape[1], image.shape[0])
    return cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_CUBIC)


def test_a_homography_and_a_gain_are_undone(smooth: np.ndarray) -> None:
    moved = warped(smooth, [[1.004, 0.002, 1.6], [-0.002, 0.998, -2.3], [2e-5, 0, 1]])
    dimmed = (moved * 0.8).astype(np.uint8)
    restored, truth, mask = by_homography(dimmed, smooth)
    assert psnr(dimmed, smooth) < 25
    assert psnr(restored, truth, mask) > 40
    assert restored.dtype == truth.dtype == np.float64
    assert mask.dtype == bool
    assert np.array_equal(truth, smooth * mask[..., None])
    assert not restored[~mask].any()
    # What went out at the top and on the right is not there to be compared.
    assert mask[3:, :-3].all()
    assert not mask[0].any()
    assert not mask[:, -1].any()


def test_blur_is_not_undone(smooth: np.ndarray) -> None:
    blurred = cv2.GaussianBlur(smooth, (0, 0), 3)
    aligned = psnr(*by_homography(blurred, smooth))
    assert psnr(blurred, smooth) - 0.1 < aligned < psnr(blurred, smooth) + 0.5


@pytest.mark.parametrize("align", [by_homography, by_shift])
def test_equal_images_stay_equal(align, smooth: np.ndarray) -> None:
    restored, truth, mask = align(smooth, smooth)
    assert mask.all()
    assert psnr(restored, truth, mask) == math.inf


def test_clipping_is_rsblurs_alone(smooth: np.ndarray) -> None:
    moved = warped(smooth, [[1, 0, 1.5], [0, 1, 0], [0, 0, 1]])
    moved[40:50, 40:50] = 255
    bright = np.minimum(smooth.astype(int) * 2, 255).astype(np.uint8)
    free, clipped = by_homography(moved, bright)[0], by_homography(moved, bright, clip=True)[0]
    assert free.max() > 256
    assert np.array_equal(clipped, free.clip(0, 255))


@pytest.mark.parametrize("level", [0, 128])
def test_what_cannot_be_aligned_names_the_pair(level: int, smooth: np.ndarray) -> None:
    dataset = Dataset("RealBlur-J", [PAIR], by_homography)
    with pytest.raises(DataError, match=r"^scene001/1: the restored .*ECC does not converge"):
        dataset.comparable(PAIR, np.full_like(smooth, level), smooth)
    restored, truth, mask = Dataset("GoPro", [PAIR]).comparable(PAIR, smooth, smooth)
    assert (restored is smooth, truth is smooth, mask) == (True, True, None)


def test_without_opencv_the_way_to_get_it_is_named(
    monkeypatch: pytest.MonkeyPatch, smooth: np.ndarray
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(DataError, match=r"OpenCV.*pip install 'unblur\[metrics\]'"):
        by_homography(255 - smooth, smooth)


def test_black_is_compared_as_it_is(smooth: np.ndarray) -> None:
    black = np.zeros_like(smooth)
    restored, truth, mask = by_shift(black, smooth)
    assert mask.all()
    assert psnr(restored, truth, mask) == psnr(black, smooth)


@pytest.mark.parametrize(("dy", "dx"), [(3, -5), (-4, 0), (0, 2)])
def test_a_whole_pixel_shift_is_undone(dy: int, dx: int, smooth: np.ndarray) -> None:
    restored, truth, mask = by_shift(np.roll(smooth, (dy, dx), (0, 1)), smooth)
    assert mask.sum() == (120 - abs(dy)) * (160 - abs(dx))
    gain = restored[mask].sum() / truth[mask].sum()
    np.testing.assert_allclose(restored, truth * gain, atol=1e-9)
    # The gain is that of the images as they lay, so a shift makes it a little too small.
    assert 0.95 < gain < 1


def test_the_shift_is_the_one_of_the_highest_correlation(rng: np.random.Generator) -> None:
    truth = rng.integers(0, 256, (9, 11, 3), np.uint8)
    for _ in range(5):
        image = rng.integers(0, 256, truth.shape, np.uint8)
        grey, aim = image.mean(2), truth.mean(2)
        steps = itertools.product(range(-4, 5), range(-5, 6))
        dy, dx = max(steps, key=lambda step: (np.roll(grey, step, (0, 1)) * aim).sum())
        assert by_shift(image, truth)[2].sum() == (9 - abs(dy)) * (11 - abs(dx))
