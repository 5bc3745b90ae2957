"""Processes that train one network together: each has batches of its own, gradients are shared."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn

from unblur.errors import UnblurError
from unblur.torchvision_compat import import_fabric

if TYPE_CHECKING:
    from lightning.fabric import Fabric

T = TypeVar("T")


def start(processes: int) -> Fabric:
    """A process for every GPU of the machine, or so many on its CPU, all of them running.

    The program that calls is started once more for each of the others, with the same arguments.

    Args:
        processes: on a CPU, which they share; a GPU always has one of its own.

    Raises:
        UnblurError: for several processes where there is a GPU.
    """
    # Fabric tells of its devices; the display says what matters.
    for name in ("pytorch.utilities.rank_zero", "fabric.utilities.distributed"):
        logging.getLogger(f"lightning.{name}").setLevel(logging.WARNING)
    cards = torch.cuda.device_count()
    if processes > 1 and cards:
        raise UnblurError("--processes is for a CPU, and here is a GPU: leave it out")
    if processes > 1 and sys.platform == "linux":
        # Else gloo warns on machines whose own name no resolver knows.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    fabric: Fabric = import_fabric()(
        accelerator="cpu" if processes > 1 else "auto",
        devices=processes if processes > 1 else "auto",
        strategy="ddp" if max(processes, cards) > 1 else "auto",
    )
    fabric.launch()
    return fabric


def is_first() -> bool:
    """Whether this process is the one that speaks and writes for all."""
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0"


@torch.no_grad()
def begin_alike(fabric: Fabric, net: nn.Module) -> None:
    """Gives every process the first one's parameters and buffers."""
    if fabric.world_size > 1:
        for value in net.state_dict().values():
            whole = value.contiguous()
            dist.broadcast(whole, 0)
            value.copy_(whole)


@torch.no_grad()
def average_gradients(fabric: Fabric, net: nn.Module) -> None:
    """Gives every process the mean of all of their gradients, as of one batch of them all."""
    if fabric.world_size > 1:
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        one = torch.cat([gradient.flatten() for gradient in gradients]) / fabric.world_size
        dist.all_reduce(one)
        for gradient, mean in zip(
            gradients, one.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(mean.view_as(gradient))


def agree(fabric: Fabric, value: T) -> T:
    """What the first process says, in all of them."""
    box = [value]
    if fabric.world_size > 1:
        dist.broadcast_object_list(box, 0, group=_words())
    return box[0]


def in_all(fabric: Fabric, act: Callable[[], T]) -> T:
    """Does something in every process; where it fails in one, it fails in all of them.

    Otherwise the others would wait for ever for the one that is gone.

    Raises:
        UnblurError: that of this process, or else that of the first process that has one.
    """
    try:
        result, own = act(), None
    except UnblurError as error:
        result, own = None, error
    if fabric.world_size > 1:
        messages: list[str | None] = [None] * fabric.world_size
        dist.all_gather_object(messages, str(own) if own else None, group=_words())
        own = own or next((UnblurError(text) for text in messages if text), None)
    if own is not None:
        raise own
    return result  # pyright: ignore[reportReturnType]


@cache
def _words() -> Any:
    """The processes, reached without a GPU: NCCL would wait for all that it has to do."""
    return dist.new_group(backend="gloo")


@contextmanager
def only_first_fails() -> Iterator[None]:
    """Around all that they do together. Of an error, the first one speaks for all.

    Raises:
        UnblurError: in the first process; also where another one was killed.
    """
    try:
        yield
    except UnblurError:
        if is_first():
            raise
        raise SystemExit(0) from None
    except RuntimeError as error:
        if "gloo" not in str(error):
            raise
        if is_first():
            raise UnblurError(
                "another process of this run has ended, killed perhaps for its memory; --resume "
                "goes on from the last checkpoint, with fewer --processes if need be"
            ) from None
        raise SystemExit(1) from None
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
