"""Measures of sharpness that others use; larger is sharper.

Pertuz, Puig, Garcia, "Analysis of focus measure operators for shape-from-focus", 2013, describes
most of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from scipy import ndimage
from skimage.measure import blur_effect

from unblur.metrics.niqe import niqe

Grey = Float[np.ndarray, "h w"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R, G and B in grey, OpenCV's."""


def to_grey(image: UInt8[np.ndarray, "h w 3"]) -> Grey:
    """Grey of 0 to 255."""
    return image @ _LUMA


def variance_of_laplacian(grey: Grey) -> float:
    """`cv2.Laplacian(grey, cv2.CV_64F).var()`, the common advice (Pech-Pacheco et al. 2000)."""
    return float(ndimage.laplace(grey, mode="mirror").var())


def modified_laplacian(grey: Grey) -> float:
    """Mean of the absolute second differences of rows and of columns (Nayar 1994)."""
    kernel = [-1, 2, -1]
    parts = (np.abs(ndimage.correlate1d(grey, kernel, axis, mode="mirror")) for axis in (0, 1))
    return float(sum(part.mean() for part in parts))


def tenengrad(grey: Grey) -> float:
    """Mean of the squared Sobel gradient (Krotkov 1988)."""
    return float(sum((ndimage.sobel(grey, axis, mode="mirror") ** 2).mean() for axis in (0, 1)))


def brenner(grey: Grey) -> float:
    """Mean square of the difference to the next pixel but one (Brenner et al. 1976)."""
    return float(((grey[:, 2:] - grey[:, :-2]) ** 2).mean())


def fft_share(grey: Grey, low: float = 0.125) -> float:
    """The share of the amplitude spectrum above a part of the highest frequency, by row or column.

    With a share instead of a mean level, and a part of the spectrum instead of 60 lines, it does
    not depend on brightness and size as OpenCV users' version does.
    """
    spectrum = np.abs(np.fft.rfft2(grey - grey.mean()))
    y, x = np.fft.fftfreq(grey.shape[0])[:, None], np.fft.rfftfreq(grey.shape[1])
    high = np.maximum(np.abs(y), x) > low / 2
    return float(spectrum[high].sum() / max(float(spectrum.sum()), 1e-9))


def fft_level(grey: Grey, lines: int = 60) -> float:
    """The mean level in dB without the lowest frequencies, as OpenCV users compute it.

    The spectrum within `lines` of the middle is set to 0; the mean of 20 log of what is left.
    """
    spectrum = np.fft.fftshift(np.fft.fft2(grey))
    y, x = (n // 2 for n in grey.shape)
    spectrum[max(0, y - lines) : y + lines, max(0, x - lines) : x + lines] = 0
    rest = np.abs(np.fft.ifft2(np.fft.ifftshift(spectrum)))
    return float(20 * np.log10(rest + 1e-6).mean())


def crete(grey: Grey) -> float:
    """1 less the blur effect (Crete et al. 2007), scikit-image's."""
    effect: Any = blur_effect(grey / 255, h_size=11)
    return 1 - float(effect)


MEASURES: dict[str, Callable[[Grey], float]] = {
    "variance of the Laplacian": variance_of_laplacian,
    "modified Laplacian": modified_laplacian,
    "Tenengrad": tenengrad,
    "Brenner": brenner,
    "FFT, high frequencies' share": fft_share,
    "FFT, mean level": fft_level,
    "blur effect (Crete)": crete,
}
NIQE = "NIQE"
NAMES = (*MEASURES, NIQE)


def measure(image: UInt8[np.ndarray, "h w 3"]) -> dict[str, float]:
    """Every measure of a picture, and NIQE with its sign turned."""
    grey = to_grey(image)
    return {**{name: of(grey) for name, of in MEASURES.items()}, NIQE: -niqe(image)}
