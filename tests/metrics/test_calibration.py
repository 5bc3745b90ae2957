"""Each metric gives what its reference implementation gave for the same images."""

from __future__ import annotations

import numpy as np
import pytest

from tests.metrics.photos import photos
from unblur import metrics
from unblur.errors import MetricError


@pytest.fixture(scope="module")
def images() -> dict[str, np.ndarray]:
    return photos()


# GNU Octave 7.3 with its package image 2.14: psnr(b, a), and 10 * log10(255^2 / mean(d(:).^2)) with
# d of the first planes of rgb2ycbcr. Octave rounds one exact half in a thousand down.
# ssim-3d: the steps of NAFNet's _ssim_3d (basicsr/metrics/psnr_ssim.py, 11 x 11 x 11, replicated)
# in float64; in its own float32 it gave 0.92826 and 0.84329.
REFERENCE = {
    "psnr": ({"blurred": 26.6812744449, "noisy": 31.2539899231}, 1e-8),
    "psnr-y": ({"blurred": 28.2536774239, "noisy": 35.9249598747}, 1e-4),
    "ssim-3d": ({"blurred": 0.9282117562533, "noisy": 0.8432655862986}, 1e-9),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_full_reference(name: str, images: dict[str, np.ndarray]) -> None:
    (metric,) = metrics.load([name])
    values, tolerance = REFERENCE[name]
    for kind, value in values.items():
        assert metric.measure(images[kind], images["sharp"]) == pytest.approx(value, abs=tolerance)


def test_a_window_across_channels_reads_higher(images: dict[str, np.ndarray]) -> None:
    for kind in ("blurred", "noisy"):
        pair = images[kind], images["sharp"]
        assert 0.04 < metrics.ssim_matlab3d(*pair) - metrics.ssim(*pair) < 0.12


# computequality.m of LIVE's NIQE release with its pristine model, run by GNU Octave 7.3 (package
# image 2.14), with blockproc for blkproc and MATLAB's antialiased imresize written out, for
# Octave's own has none. pyiqa 0.1.16 gave 3.1686, 5.6821 and 6.2895.
@pytest.mark.parametrize(
    ("kind", "value"), [("sharp", 3.1718266498), ("blurred", 5.6760421087), ("noisy", 6.2896827852)]
)
def test_niqe(kind: str, value: float, images: dict[str, np.ndarray]) -> None:
    (metric,) = metrics.load(["niqe"])
    assert metric.measure(images[kind]) == pytest.approx(value, abs=1e-4)
    assert metric.measure(images[kind], images["sharp"]) == metric.measure(images[kind])


def test_niqe_of_what_has_no_statistics() -> None:
    (metric,) = metrics.load(["niqe"])
    assert np.isnan(metric.measure(np.full((200, 200, 3), 7, np.uint8)))
    with pytest.raises(MetricError, match="150x150 is too small; 192x96 will do"):
        metric.measure(np.zeros((150, 150, 3), np.uint8))
