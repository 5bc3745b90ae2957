"""Ranks: processes that train one network together, each with batches of its own."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn

from unblur.errors import Hint, UnblurError
from unblur.torchvision_compat import import_fabric

T = TypeVar("T")


def start(processes: int) -> torch.device:
    """Starts a rank for every GPU of the machine, or `processes` on its CPU; the rank's device.

    The program that calls is started once more for each further rank, with the same arguments.

    Raises:
        UnblurError: for several processes where there is a GPU.
    """
    # Fabric logs the devices that it finds, which the display has no place for.
    for name in ("pytorch.utilities.rank_zero", "fabric.utilities.distributed"):
        logging.getLogger(f"lightning.{name}").setLevel(logging.WARNING)
    gpus = torch.cuda.device_count()
    if processes > 1 and gpus:
        reason = "several processes share a CPU, but this machine has a GPU"
        raise UnblurError(reason, hint=Hint("processes"))
    if processes > 1 and sys.platform == "linux":
        # Else gloo warns on machines whose own name does not resolve.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    fabric = import_fabric()(
        accelerator="cpu" if processes > 1 else "auto",
        devices=processes if processes > 1 else "auto",
        strategy="ddp" if max(processes, gpus) > 1 else "auto",
    )
    fabric.launch()
    return fabric.device


def rank() -> int:
    """The number of this process, from 0; also before `start`."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))


def is_rank_zero() -> bool:
    """Whether this process prints and writes for all."""
    return rank() == 0


def world_size() -> int:
    """The number of ranks."""
    return dist.get_world_size() if dist.is_initialized() else 1


@torch.no_grad()
def broadcast_parameters(net: nn.Module) -> None:
    """Copies rank zero's parameters and buffers to all ranks."""
    if world_size() > 1:
        for value in net.state_dict().values():
            whole = value.contiguous()
            dist.broadcast(whole, 0)
            value.copy_(whole)


@torch.no_grad()
def average_gradients(net: nn.Module) -> None:
    """Replaces the gradients of every rank by their mean, as of one batch of all ranks' images."""
    if world_size() > 1:
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        one = torch.cat([gradient.flatten() for gradient in gradients]) / world_size()
        dist.all_reduce(one)
        means = one.split([gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view_as(gradient))


def broadcast(value: T) -> T:
    """Rank zero's value, on all ranks."""
    box = [value]
    if world_size() > 1:
        dist.broadcast_object_list(box, 0, group=_gloo())
    return box[0]


def run_on_all_ranks(act: Callable[[], T]) -> T:
    """Runs `act` on every rank; if it fails on any, raises on all, so that none waits for ever.

    Raises:
        UnblurError: that of this rank, or else that of the first rank that has one.
    """
    result: Any = None
    error: UnblurError | None = None
    try:
        result = act()
    except UnblurError as own:
        error = own
    if world_size() > 1:
        errors: list[UnblurError | None] = [None] * world_size()
        dist.all_gather_object(errors, error, group=_gloo())
        error = error or next(filter(None, errors), None)
    if error is not None:
        raise error
    return result


def run_on_rank_zero(act: Callable[..., None], *arguments: Any) -> None:
    """Runs `act` on rank zero; if it fails, raises its UnblurError on all ranks."""
    run_on_all_ranks(lambda: act(*arguments) if is_rank_zero() else None)


@cache
def _gloo() -> Any:
    """The ranks, connected by CPU: NCCL would wait for all queued work of the GPU."""
    return dist.new_group(backend="gloo")


@contextmanager
def only_rank_zero_fails() -> Iterator[None]:
    """Around all that ranks do together: rank zero alone raises, the others exit.

    Raises:
        UnblurError: on rank zero; also if another rank's process ended.
    """
    try:
        yield
    except UnblurError:
        if is_rank_zero():
            raise
        raise SystemExit(0) from None
    except RuntimeError as error:
        if "gloo" not in str(error):
            raise
        if is_rank_zero():
            raise UnblurError(
                "another process of this run has ended, perhaps killed for its memory, of which "
                "fewer processes need less; the last checkpoint is kept",
                hint=Hint("resume"),
            ) from None
        raise SystemExit(1) from None
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
