"""What every metric owes: equal images are perfect, and each usual mistake shows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.reference import metrics as naive
from unblur import metrics
from unblur.errors import MetricError

FULL = ("psnr", "psnr-y", "ssim", "ssim-3d")


def scores(image: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> dict:
    return {m.name: m.measure(image, truth, mask) for m in metrics.load(FULL)}


@pytest.fixture
def noisy(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (picture + rng.normal(0, 8, picture.shape)).clip(0, 255).astype(np.uint8)


def test_psnr_equals_its_definition(rng: np.random.Generator) -> None:
    a, b = rng.integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    mse = sum((int(x) - int(y)) ** 2 for x, y in zip(a.flat, b.flat, strict=True)) / a.size
    assert metrics.psnr(a, b) == pytest.approx(20 * math.log10(255 / math.sqrt(mse)))
    assert metrics.psnr(a, a) == math.inf


def test_psnr_y_equals_its_definition(rng: np.random.Generator) -> None:
    a, b = rng.integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    a[0, 0] = (220, 208, 216)  # its luma ends in exactly one half
    pairs = zip(a.reshape(-1, 3), b.reshape(-1, 3), strict=True)
    errors = [(naive.luma(x) - naive.luma(y)) ** 2 for x, y in pairs]
    expected = 10 * math.log10(255**2 / np.mean(errors))
    assert metrics.psnr_y(a, b) == pytest.approx(expected, abs=1e-9)


def test_ssim_equals_its_definition(rng: np.random.Generator) -> None:
    a, b = rng.integers(0, 256, (2, 13, 14, 3), dtype=np.uint8)
    flat = np.stack([naive.ssim_map(a[..., c], b[..., c], naive.gaussian(2)) for c in range(3)], -1)
    volume = naive.ssim_map(a, b, naive.gaussian(3))
    mask = rng.random((13, 14)) < 0.5
    assert metrics.ssim(a, b) == pytest.approx(flat[5:-5, 5:-5].mean())
    assert metrics.ssim(a, b, mask) == pytest.approx(flat[5:-5, 5:-5][mask[5:-5, 5:-5]].mean())
    assert metrics.ssim_matlab3d(a, b) == pytest.approx(volume.mean())
    assert metrics.ssim_matlab3d(a, b, mask) == pytest.approx(volume[mask].mean())


def test_equal_images_are_perfect_and_noise_costs(picture: np.ndarray, noisy: np.ndarray) -> None:
    perfect = scores(picture, picture)
    assert perfect == {"psnr": math.inf, "psnr-y": math.inf, "ssim": 1, "ssim-3d": pytest.approx(1)}
    assert all(0 < score < perfect[name] for name, score in scores(noisy, picture).items())


def test_a_shift_costs_and_a_wrong_pairing_costs_more(sharp_picture: np.ndarray) -> None:
    shifted = scores(np.roll(sharp_picture, 1, axis=1), sharp_picture)
    wrong = scores(sharp_picture[::-1, ::-1].copy(), sharp_picture)
    assert shifted["psnr"] < 30
    assert shifted["ssim"] < 0.95
    for name in FULL:
        assert wrong[name] < 0.8 * shifted[name], name


def test_channels_swapped_in_one_image_show_and_in_both_only_in_luma(
    picture: np.ndarray, noisy: np.ndarray
) -> None:
    noisy[..., 2] = picture[..., 2]  # noise of R and G alone: luma weighs them otherwise than B
    right = scores(noisy, picture)
    one = scores(noisy[..., ::-1].copy(), picture)
    both = scores(noisy[..., ::-1].copy(), picture[..., ::-1].copy())
    assert all(one[name] < right[name] - 0.05 for name in FULL)
    for name in ("psnr", "ssim", "ssim-3d"):
        assert both[name] == pytest.approx(right[name])
    assert both["psnr-y"] > right["psnr-y"] + 0.1


def test_what_a_mask_leaves_out_does_not_count(picture: np.ndarray, noisy: np.ndarray) -> None:
    mask = np.ones(picture.shape[:2], bool)
    whole, masked = scores(noisy, picture), scores(noisy, picture, mask)
    assert masked == pytest.approx(whole)
    spoilt = noisy.copy()
    spoilt[:, 100:] = 0
    mask[:, 95:] = False  # SSIM's window sees five pixels further
    assert scores(spoilt, picture, mask) == scores(noisy, picture, mask)
    assert scores(spoilt, picture)["psnr"] < whole["psnr"] - 3


def test_an_aligned_image_of_floats_measures_as_its_bytes(
    picture: np.ndarray, noisy: np.ndarray
) -> None:
    floats = scores(noisy.astype(np.float64), picture.astype(np.float64))
    for name, score in scores(noisy, picture).items():
        assert floats[name] == pytest.approx(score, abs=0.05 if name == "psnr-y" else 1e-9)


def test_images_that_do_not_fit_and_an_unknown_name_get_a_line() -> None:
    image, wide, small = (np.zeros((h, w, 3), np.uint8) for h, w in ((20, 30), (20, 31), (10, 30)))
    (psnr,), (ssim,) = metrics.load(["psnr"]), metrics.load(["ssim"])
    with pytest.raises(MetricError, match="psnr needs the sharp image; choose another"):
        psnr.measure(image)
    with pytest.raises(MetricError, match="psnr: an image of 30x20 against a truth of 31x20"):
        psnr.measure(image, wide)
    with pytest.raises(MetricError, match="the mask leaves no pixel"):
        psnr.measure(image, image, np.zeros((20, 30), bool))
    with pytest.raises(MetricError, match="30x10 is too small; 11x11 will do"):
        ssim.measure(small, small)
    with pytest.raises(MetricError, match="vmaf: no such metric; there are psnr, psnr-y"):
        metrics.load(["psnr", "vmaf"])


def test_every_column_says_what_computed_it() -> None:
    loaded = metrics.load([*FULL, "niqe"])
    assert [m.name for m in loaded] == [*FULL, "niqe"]
    assert [m.needs_truth for m in loaded] == [True] * 4 + [False]
    assert [m.better for m in loaded] == ["higher"] * 4 + ["lower"]
    for metric in loaded:
        package, version = metric.version.split(",")[0].split(" ")
        assert package in ("unblur", "scikit-image")
        assert version[0].isdigit()


def test_resizing_by_area_takes_means(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (12, 8, 3), dtype=np.uint8)
    small = metrics.resize_by_area(image, 4, 4)
    means = image.reshape(4, 3, 4, 2, 3).mean((1, 3))
    assert np.abs(small - means).max() <= 0.5 + 1e-6
    flat = np.full((7, 5, 3), 99, np.uint8)
    assert (metrics.resize_by_area(flat, 3, 2) == 99).all()
