"""Fixed images for calibration: scikit-image's astronaut (NASA, public domain), and two of it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d


def photos() -> dict[str, np.ndarray]:
    """`sharp`; `blurred` by 7 pixels along the rows; `noisy` by -12 to 12. uint8 (400, 500, 3)."""
    from skimage.data import astronaut

    sharp = astronaut()[:400, :500]
    blurred = correlate1d(sharp.astype(np.float64), np.full(7, 1 / 7), 1, mode="nearest")
    noise = np.random.RandomState(0).randint(-12, 13, sharp.shape)
    return {
        "sharp": sharp,
        "blurred": np.rint(blurred).astype(np.uint8),
        "noisy": (sharp + noise).clip(0, 255).astype(np.uint8),
    }
