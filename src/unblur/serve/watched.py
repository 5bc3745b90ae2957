"""A photo's pixels whose reading is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unblur.inference.blend import Source


class Watched:
    """A source that calls a function before a part of it is read; what that raises ends the work.

    So a task can be cancelled while its photo is measured, which no run of a network reports.
    """

    def __init__(self, source: Source, reading: Callable[[], None]) -> None:
        self._source, self._reading = source, reading

    @property
    def shape(self) -> tuple[int, ...]:
        return self._source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._source.dtype

    def __getitem__(self, key: tuple[slice, slice], /) -> np.ndarray:
        self._reading()
        return self._source[key]
