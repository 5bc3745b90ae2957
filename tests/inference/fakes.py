"""Networks whose computation is known, and costs nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from unblur.inference.contract import Contract

Planes = Callable[[np.ndarray], np.ndarray]
"""From the means of a picture's cells (i, j), full scale = 1, to what is measured, (6, i, j)."""


class Fake:
    """A network that is a function of pictures, and measures a function of their cells' means."""

    parallel = 1
    digest = "0" * 64
    precision = description = "f32"

    def __init__(
        self, run: Callable[[np.ndarray], np.ndarray], planes: Planes | None = None, tile: int = 512
    ) -> None:
        self._run, self._planes, self.calls = run, planes, itertools.count()
        self.contract = Contract(
            multiple=16, smallest=16, tile=tile, overlap=32, measures_blur=planes is not None
        )

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        assert batch.shape[1] == 3
        assert not any(side % 16 for side in batch.shape[2:])
        next(self.calls)
        return self._run(batch).astype(np.float32)

    def with_blur(self, batch: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        return self(batch), self.blur(batch)

    def blur(self, batch: np.ndarray, /) -> np.ndarray:
        assert self._planes is not None
        _, _, height, width = batch.shape
        cells = batch[0].mean(0).reshape(height // 16, 16, width // 16, 16).mean((1, 3))
        return self._planes(cells / 2 + 0.5)[None].astype(np.float32)


def halve(batch: np.ndarray) -> np.ndarray:
    """Linear, and each pixel by itself."""
    return 0.5 * batch


def mean_of_three(batch: np.ndarray) -> np.ndarray:
    """Linear, and reaches a pixel to the left and to the right."""
    wide = np.pad(batch, [(0, 0), (0, 0), (0, 0), (1, 1)], mode="edge")
    return (wide[..., :-2] + wide[..., 1:-1] + wide[..., 2:]) / 3


def of_length(length: np.ndarray, confidence: float = 1.0, weight: float = 1.0) -> np.ndarray:
    """Planes of horizontal motion."""
    full = np.ones_like(length)
    return np.stack([length, full, 0 * full, 0 * full, confidence * full, weight * full])
