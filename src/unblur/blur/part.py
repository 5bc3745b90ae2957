"""Applies a stage to part of a batch, chosen on the host, so that the device is not waited for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool
from torch import Tensor


def carry(drawn: Tensor, device: torch.device) -> Tensor:
    """Copies a tensor from the host to a device without waiting for it."""
    return (drawn.pin_memory() if device.type == "cuda" else drawn).to(device, non_blocking=True)


def apply(
    images: Tensor, chosen: Bool[Tensor, " b"], process: Callable[..., Tensor], *parameters: Tensor
) -> Tensor:
    """The batch with its chosen samples replaced by `process(them, *their parameters)`.

    The choice is on the host, so shapes are known there; samples that are not chosen cost nothing.

    Args:
        images: (b, ...) on any device.
        chosen: on the host.
        parameters: (b, ...) on the host; `process` gets those of the chosen on the images' device.
    """
    if not bool(chosen.any()):
        return images
    index = carry(chosen.nonzero().flatten(), images.device)
    own = (carry(values[chosen], images.device) for values in parameters)
    return images.index_copy(0, index, process(images.index_select(0, index), *own))
