"""Which share of a network's change a place is given, by the blur that is measured there."""

from __future__ import annotations

import numpy as np

from unblur.inference.blur_map import extent

UNSURE, SURE = 0.3, 0.7
"""Confidences up to which a cell tells nothing of its blur, and from which it is sure."""
BLURRED = 3.0
"""Extent in pixels (the length of the motion, or the diameter of the defocus) of a blurred cell."""
LITTLE, MUCH = 0.12, 0.3
"""Shares of a photo that are blurred: up to the first it is sharp but for a place, which may be
meant to be out of focus; from the second the photo is blurred."""
CLEAR, CLEARER = 12.0, 24.0
"""Extents up to which such a place is left as it is, and from which it is deblurred anyway."""
QUIET, NOISY = 4 / 255, 10 / 255
"""Standard deviations of noise, full scale = 1, up to which blur is measured as if there were none,
and from which a cell at full size takes noise for sharp detail."""
FEW = 0.02
"""With a smaller share of cells that can be told, a picture says nothing of the photo."""


def weights(blur: np.ndarray, share: float) -> np.ndarray:
    """The weights of what is sure and of what is not, (2, i, j); they add up to the whole weight.

    The second is for `ScaleMap.blurred_at`: where there is no texture to tell by, the picture seen
    from afar decides.

    Args:
        blur: (`blur_map.PLANES`, i, j).
        share: of the photo that is blurred, 0 to 1.
    """
    confidence, weight = blur[4], blur[5]
    sure = ((confidence - UNSURE) / (SURE - UNSURE)).clip(0, 1)
    much = min(1.0, max(0.0, (share - LITTLE) / (MUCH - LITTLE)))
    logarithm = np.log2(np.maximum(extent(blur[0], blur[3]), 1.0))
    clear = np.interp(logarithm, np.log2([CLEAR, CLEARER]), [0, 1]).astype(np.float32)
    return np.stack([weight * sure * (much + (1 - much) * clear), weight * (1 - sure) * much])


def blurred_share(blur: np.ndarray) -> float:
    """The share of the cells that can be told that are blurred; 1 if there are hardly any."""
    known = blur[4] > 0.5
    return float((extent(blur[0], blur[3])[known] > BLURRED).mean()) if known.mean() > FEW else 1.0


def noisy(rgb: np.ndarray) -> float:
    """How far noise hides the blur of a picture (h, w, c), full scale = 1: from 0 to 1.

    The noise is estimated from the finest diagonal differences, by the median of their absolute
    values (Donoho and Johnstone 1994), which edges change little.
    """
    # Every fourth pair of rows tells as much.
    rows = rgb[1::8, : rgb.shape[1] // 2 * 2].mean(2)
    rows = rgb[::8][: len(rows), : rgb.shape[1] // 2 * 2].mean(2) - rows
    if rows.size == 0:
        return 0.0
    diagonal = (rows[:, ::2] - rows[:, 1::2]) / 2
    # Of a mean of three channels of the same noise.
    deviation = float(np.median(np.abs(diagonal))) / 0.6745 * rgb.shape[2] ** 0.5
    return min(1.0, max(0.0, (deviation - QUIET) / (NOISY - QUIET)))
