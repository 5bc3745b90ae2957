"""Down-scaling of the paper's protocol."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8


def resize_by_area(
    image: UInt8[np.ndarray, "h w 3"], height: int, width: int
) -> UInt8[np.ndarray, "i j 3"]:
    """Resizes an image: each new pixel is the mean of the area that it covers, rounded to 8 bit."""
    from skimage.transform import resize_local_mean

    resized = resize_local_mean(image, (height, width), channel_axis=-1, preserve_range=True)
    return np.rint(resized).clip(0, 255).astype(np.uint8)
