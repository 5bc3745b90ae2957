"""A network that measures blur without looking, for tests."""

from __future__ import annotations

import threading

import numpy as np

from unblur.inference.blur_map import CELL, PLANES
from unblur.inference.contract import Contract


class Shaken:
    """Brightens, and finds the same motion everywhere, of so many pixels of what it is given.

    Attributes:
        calls: what it was asked for, in order.
    """

    contract = Contract(multiple=16, tile=256, overlap=32, measures_blur=True)
    parallel = 1
    digest = "0" * 64
    precision = description = "f32"

    def __init__(self, length: float) -> None:
        self.length, self.calls = length, []
        self._lock = threading.Lock()

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        return self._noted("restored", batch)[0]

    def with_blur(self, batch: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        return self._noted("both", batch)

    def blur(self, batch: np.ndarray, /) -> np.ndarray:
        return self._noted("blur", batch)[1]

    def _noted(self, what: str, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with self._lock:
            self.calls.append(what)
        cells = (batch.shape[2] // CELL, batch.shape[3] // CELL)
        planes = dict.fromkeys(PLANES, 0.0) | {"length": self.length}
        planes |= {"confidence": 1.0, "weight": 1.0}
        blur = np.stack([np.full(cells, planes[name], np.float32) for name in PLANES])
        return batch + np.float32(0.2), blur[None]
