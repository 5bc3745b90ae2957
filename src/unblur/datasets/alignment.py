"""Published alignments of a restored image with its truth, applied before measuring.

The two images of a pair are from two moments or two cameras, so that brightness and position differ
slightly even where the restoration is perfect. Both alignments first scale the restored image z to
the truth x by one gain, in the sense of least squares: sum(x z) / sum(z z). Neither rounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unblur.datasets.types import Aligned
from unblur.errors import DataError, Hint


def by_homography(restored: np.ndarray, truth: np.ndarray, *, clip: bool = False) -> Aligned:
    """RealBlur's alignment: gain, then the homography that OpenCV's ECC finds on grey images.

    As `image_align` of evaluation_RealBlur_ecc.py (Rim et al. 2020): float32 in [0, 1]; 100
    iterations and no earlier end, from the identity, Gaussian of 5 pixels; the restored image is
    warped by cubic interpolation with reflected borders, a mask of ones by the nearest pixel, and
    both images are multiplied by the mask. RSBlur's evaluation also clips to [0, 1] (`clip`). The
    published scripts demand OpenCV 4.2.0; other versions may differ in the last digits. Unlike in
    theirs, equal images are returned unchanged, as ECC leaves a shift of about 1e-3 pixels.

    Raises:
        DataError: if OpenCV is missing or ECC does not converge.
    """
    if np.array_equal(restored, truth):
        return _unchanged(restored, truth)
    try:
        import cv2
    except ImportError:
        raise DataError(
            "this dataset is measured after an alignment by OpenCV, which is not installed",
            hint=Hint("install", ("metrics",)),
        ) from None
    z, x = (image.astype(np.float32) / 255 for image in (restored, truth))
    z = np.float32(_gain(z, x)) * z
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 0)
    template, moving = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (x, z))
    start = np.eye(3, dtype=np.float32)
    everywhere = np.full(truth.shape[:2], 255, np.uint8)
    try:
        _, warp = cv2.findTransformECC(
            template, moving, start, cv2.MOTION_HOMOGRAPHY, criteria, everywhere, 5
        )
    except cv2.error as error:
        reason = str(error.err).rstrip(". ")
        raise DataError(
            "the restored image cannot be aligned with its truth, ECC does not converge "
            f"({reason}); a wrong pairing, a network that destroys the image?"
        ) from None
    size = (truth.shape[1], truth.shape[0])
    cubic, nearest = (how | cv2.WARP_INVERSE_MAP for how in (cv2.INTER_CUBIC, cv2.INTER_NEAREST))
    z = cv2.warpPerspective(z, warp, size, flags=cubic, borderMode=cv2.BORDER_REFLECT)
    ones = np.ones(truth.shape[:2], np.float32)
    mask = cv2.warpPerspective(ones, warp, size, flags=nearest, borderValue=0) > 0.5
    if clip:
        z = z.clip(0, 1)
    return _masked(z.astype(np.float64) * 255, truth, mask)


def by_shift(restored: np.ndarray, truth: np.ndarray) -> Aligned:
    """Köhler's alignment: gain, then the whole-pixel shift at the peak of the cross-correlation.

    As `eval_image.m` of the benchmark (Hirsch and Köhler 2012), whose `dftregistration` is
    Guizar-Sicairos's, as is scikit-image's. There the pixels that the shift leaves empty are zero
    in both images and count as equal; here the mask excludes them, which is stricter.
    """
    if not (restored.any() and truth.any()):
        return _unchanged(restored, truth)  # black correlates with nothing
    from skimage.registration import phase_cross_correlation

    z, x = (image.astype(np.float64) for image in (restored, truth))
    z = _gain(z, x) * z
    plain: Any = None  # the annotation that pyright infers from the default has no None
    shift, _, _ = phase_cross_correlation(x.mean(2), z.mean(2), normalization=plain)
    height, width = truth.shape[:2]
    moved, mask = np.zeros_like(z), np.zeros((height, width), bool)
    dy, dx = (int(step) for step in shift)
    into = np.s_[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
    out = np.s_[max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
    moved[into], mask[into] = z[out], True
    return _masked(moved, truth, mask)


def _gain(z: np.ndarray, x: np.ndarray) -> float:
    energy = float(np.sum(z * z))
    return float(np.sum(x * z)) / energy if energy else 1.0


def _masked(restored: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> Aligned:
    return restored * mask[..., None], truth.astype(np.float64) * mask[..., None], mask


def _unchanged(restored: np.ndarray, truth: np.ndarray) -> Aligned:
    return _masked(restored.astype(np.float64), truth, np.ones(truth.shape[:2], bool))
