"""`Inspector`: array in, blur map out, of any size, in tiles."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TypeGuard

import numpy as np

from unblur.inference.blend import Source
from unblur.inference.blur_map import CELL, BlurMap
from unblur.inference.contract import Device, MeasuringNetwork, Network
from unblur.inference.engine import open_network
from unblur.inference.measure import measure
from unblur.inference.memory import tile_for_memory
from unblur.inference.options import Precision
from unblur.inference.resample import enlarge_cells

PIXELS = 2**21
"""Larger photos are measured at a smaller scale, of as many pixels: about those of a screen."""


class Inspector:
    """Measures blur; `inspector(source)` returns the `BlurMap`. Threads may share one.

    Args:
        model, device, precision: as in `Deblurrer`. A network that does not measure blur is
            replaced by the bundled default.
        tile: largest side, in pixels, given to the network at once; by default as memory allows.
        exact: whether photos of more than `PIXELS` pixels are measured at their full size, which
            takes longer and also finds blur of a pixel or two.

    Raises:
        TypeError, ModelError, CheckpointError: as `Deblurrer`.
    """

    def __init__(
        self,
        model: str | Path | Network = "default",
        device: Device = "auto",
        *,
        tile: int | None = None,
        precision: Precision = "auto",
        exact: bool = False,
    ) -> None:
        if isinstance(model, (str, Path)):
            model = open_network(model, device, precision)
        elif not hasattr(model, "contract"):
            raise TypeError(f"a model's name, its file or a network was expected, not {model!r}")
        if not measures_blur(model):
            model = open_network("default", device, precision)
            assert measures_blur(model)
        self.engine: MeasuringNetwork = model
        self.tile: int | None = tile
        self.exact: bool = exact

    def __call__(self, source: Source) -> BlurMap:
        """The map of an image (h, w, c): uint8, uint16 or floats in [0, 1]."""
        height, width = source.shape[:2]
        scale = 1.0 if self.exact else min(1.0, math.sqrt(PIXELS / (height * width)))
        tile = self.tile or tile_for_memory(self.engine.contract)
        planes = measure(self.engine, self.engine.blur, source, scale, tile)
        cells = (math.ceil(height / CELL), math.ceil(width / CELL))
        full = enlarge_cells(planes.transpose(1, 2, 0), cells, 1 / scale)
        return BlurMap.of_planes(np.ascontiguousarray(full.transpose(2, 0, 1)))


def measures_blur(network: Network) -> TypeGuard[MeasuringNetwork]:
    """Whether a network measures blur."""
    return network.contract.measures_blur
