"""What a run's log tells of the steps since its line before."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from unblur.errors import Hint, TrainError
from unblur.training.data import Batch
from unblur.training.step import Losses


class Meter:
    """Time and losses since the last line of the log; the losses stay on the device."""

    def __init__(self) -> None:
        self._began, self._waited = time.monotonic(), 0.0
        self._rows: list[tuple[int, list[str], Tensor]] = []

    def wait(self, ready: Callable[[], Batch]) -> Batch:
        began = time.monotonic()
        batch = ready()
        self._waited += time.monotonic() - began
        return batch

    def add(self, step: int, losses: Losses) -> None:
        self._rows.append((step, [*losses], torch.stack([*losses.values()])))

    def read(self) -> tuple[dict[str, float], float, float]:
        """Each loss averaged over the steps that have it; steps a second; the share of waiting.

        Raises:
            TrainError: if a loss is not finite.
        """
        found: dict[str, list[float]] = {}
        for step, names, row in self._rows:
            for name, value in zip(names, row.tolist(), strict=True):
                if not math.isfinite(value):
                    reason = f"step {step}: {name} is {value}; lower lr or set clip"
                    raise TrainError(reason, hint=Hint("resume"))
                found.setdefault(name, []).append(value)
        means = {name: sum(values) / len(values) for name, values in found.items()}
        spent = time.monotonic() - self._began
        return means, len(self._rows) / spent, self._waited / spent
