"""`Inspector`: array in, blur map out, of any size, in tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unblur.inference.blend import Source, colour_channels, full_scale
from unblur.inference.blur_map import CELL, BlurMap
from unblur.inference.contract import Device, Network
from unblur.inference.options import Precision


class Inspector:
    """Measures blur; `inspector(source)` returns the `BlurMap`. Threads may share one.

    Args:
        model, device, precision, tile: as in `Deblurrer`. A network that does not measure blur is
            replaced by the bundled default.
    """

    def __init__(
        self,
        model: str | Path | Network = "default",
        device: Device = "auto",
        *,
        tile: int | None = None,
        precision: Precision = "auto",
    ) -> None:
        self.tile = tile

    def __call__(self, source: Source) -> BlurMap:
        """The map of an image (h, w, c): uint8, uint16 or floats in [0, 1]."""
        height, width = source.shape[:2]
        pixels = source[slice(0, height), slice(0, width)]
        grey = pixels[..., : colour_channels(pixels)].astype(np.float32).mean(2)
        grey /= full_scale(pixels.dtype)
        rows, columns = -(-height // CELL), -(-width // CELL)
        padded = np.pad(grey, [(0, rows * CELL - height), (0, columns * CELL - width)], mode="edge")
        dy, dx = np.gradient(padded)

        def cells(values: np.ndarray) -> np.ndarray:
            return values.reshape(rows, CELL, columns, CELL).mean((1, 3))

        fine = np.sqrt(cells(np.square(np.diff(padded, 2, 1, append=0, prepend=0))))
        coarse = np.sqrt(cells(dx**2 + dy**2)) + 1e-4
        length = np.clip(1.2 / (fine / coarse + 0.02) - 1, 0, 40)
        angle = np.degrees(np.arctan2(cells(dx), cells(dy))) % 180
        zero = np.zeros_like(length)
        maps = (length, angle, zero + 1, zero, np.clip(coarse / 0.05, 0, 1))
        return BlurMap(*(m.astype(np.float32) for m in maps))
