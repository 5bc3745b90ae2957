"""The generator's optimiser, and its learning rate over time."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from unblur.errors import TrainError
from unblur.training.config import PhaseConfig, TrainConfig


def build_optimizer(config: TrainConfig, net: nn.Module) -> torch.optim.Optimizer:
    """Adam or AdamW with up to four groups of parameters: slow or not, with weight decay or not.

    A group's `part` is the factor of its learning rate.

    Raises:
        TrainError: if a prefix in `slow_prefixes` fits no parameter.
    """
    named = [*net.named_parameters()]
    for prefix in config.slow_prefixes:
        if not any(name.startswith(prefix) for name, _ in named):
            raise TrainError(
                f"slow_prefixes: no parameter of the generator begins with {prefix!r}; one is "
                f"{named[-1][0]}"
            )
    adam = config.optimizer == "adam"
    device = named[0][1].device
    fast = device.type == "cuda"
    groups: dict[tuple[float, float], dict[str, Any]] = {}
    for name, value in named:
        part = config.slow if name.startswith(config.slow_prefixes) else 1.0
        # Norms, biases and scales are one number a channel.
        decay = config.weight_decay if value.squeeze().ndim > 1 and not adam else 0.0
        # A CUDA graph reads the rate from the tensor that it was captured with.
        rate = torch.tensor(0.0, device=device) if fast else 0.0
        group = {"params": [], "part": part, "weight_decay": decay, "lr": rate}
        groups.setdefault((part, decay), group)["params"].append(value)
    kind = torch.optim.Adam if adam else torch.optim.AdamW
    b1, b2 = config.betas
    return kind([*groups.values()], betas=(b1, b2), fused=fast or None, capturable=fast)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the learning rate, each group's times its `part`."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate * group["part"])
        else:
            group["lr"] = rate * group["part"]


def rate(config: TrainConfig, phase: PhaseConfig, done: int, time_share: float) -> float:
    """The learning rate: a linear warm-up, then half a cosine from `lr` to `lr_end`.

    Args:
        done: steps of the phase that are done.
        time_share: share of the run's time that has passed, from 0 to 1; used where the schedule is
            "time".
    """
    if done < phase.warmup:
        return phase.lr * (done + 1) / phase.warmup
    part = (done - phase.warmup) / max(1, phase.steps - phase.warmup)
    if config.schedule == "time":
        part = max(part, min(time_share, 1.0))
    return phase.lr_end + (phase.lr - phase.lr_end) * (1 + math.cos(math.pi * part)) / 2
