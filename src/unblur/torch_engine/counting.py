"""Counts a PyTorch network's parameters, and its multiplications and additions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def count(network: Any, side: int) -> tuple[int, float | None]:
    """Parameters, and multiplications and additions (1e9) for `side` x `side` pixels.

    The latter are None if the network has an operator that cannot be counted.

    Args:
        network: a `TorchNetwork` or a `RawCheckpoint`.
    """
    parameters = sum(p.numel() for p in network.net.parameters())
    try:
        return parameters, gmacs(network.run, side)
    except (RuntimeError, NotImplementedError):
        return parameters, None


def gmacs(run: Callable[[Tensor], Tensor], side: int = 256) -> float:
    """Multiplications and additions (1e9) of a network for one image of `side` x `side` pixels.

    Convolutions, matrix products and attention are counted, as is usual.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run(torch.zeros(1, 3, side, side))
    return counter.get_total_flops() / 2e9
