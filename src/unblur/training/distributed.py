"""Ranks: processes that train one network together, each with batches of its own."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NoReturn, TypeVar

import torch
import torch.distributed as dist
from torch import nn

from unblur.errors import Hint, RankLostError, UnblurError
from unblur.torchvision_compat import import_fabric
from unblur.training import meeting, torchrun

T = TypeVar("T")


def start(processes: int) -> torch.device:
    """Joins this process to its run's others, where there are others; the device of its rank.

    torchrun has started them: its ranks are this machine's GPUs, or processes on its CPU. Else
    there is a rank for every GPU of the machine, or `processes` on its CPU: the program that calls
    is started once more for each further rank, with the same arguments.

    Raises:
        UnblurError: for several processes where there is a GPU or where torchrun starts them, or if
            the machines of a run do not fit.
    """
    # Fabric logs the devices that it finds, which the display has no place for.
    for name in ("pytorch.utilities.rank_zero", "fabric.utilities.distributed"):
        logging.getLogger(f"lightning.{name}").setLevel(logging.WARNING)
    if torchrun.launched():
        return _join(processes)
    gpus = torch.cuda.device_count()
    if processes > 1 and gpus:
        reason = "several processes share a CPU, but this machine has a GPU"
        raise UnblurError(reason, hint=Hint("processes"))
    return _launch("cpu" if processes > 1 else "auto", max(processes, gpus, 1))


def _join(processes: int) -> torch.device:
    if processes > 1:
        reason = "torchrun starts this run's processes, as many as its --nproc-per-node says"
        raise UnblurError(reason, hint=Hint("processes"))
    here, gpus = torchrun.ranks_here(), torch.cuda.device_count()
    device = _launch("cuda" if gpus >= here else "cpu", here)
    if len({*gather((device.type, gpus == 0))}) > 1 or 0 < gpus < here:
        raise UnblurError(
            "a machine has fewer GPUs than processes: --nproc-per-node is at most the number of "
            "each machine's GPUs, and CUDA_VISIBLE_DEVICES= hides them from all"
        )
    return device


def _launch(accelerator: str, ranks_here: int) -> torch.device:
    fabric_of, strategy = import_fabric(), "auto"
    if ranks_here > 1 or torchrun.launched():
        strategy = _gloo()
        name = torchrun.interface_to(os.environ.get("MASTER_ADDR", "127.0.0.1"))
        if name is not None and sys.platform == "linux":
            # Else gloo takes that of the machine's own name, which may be unknown, or 127.0.1.1.
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
    if torchrun.launched() and torchrun.shares_store() and not dist.is_initialized():
        meeting.join()
    fabric = fabric_of(accelerator=accelerator, devices=ranks_here, strategy=strategy)
    fabric.launch()
    return fabric.device


def _gloo() -> Any:
    """Ranks connected by gloo: NCCL would wait for all queued work of the GPU."""
    from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
    from lightning.fabric.strategies.ddp import DDPStrategy

    class Uneven(TorchElasticEnvironment):
        """Machines of which each has as many processes as it was given."""

        def validate_settings(self, num_devices: int, num_nodes: int) -> None:
            pass

    environment = Uneven() if torchrun.launched() else None
    return DDPStrategy(process_group_backend="gloo", cluster_environment=environment)


def rank() -> int:
    """The number of this process, from 0; also before `start`."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))


def is_rank_zero() -> bool:
    """Whether this process prints and writes for all."""
    return rank() == 0


def world_size() -> int:
    """The number of ranks."""
    return dist.get_world_size() if dist.is_initialized() else 1


def ranks_here() -> int:
    """The number of ranks on this machine, which share its memory."""
    return torchrun.ranks_here() if torchrun.launched() else world_size()


@torch.no_grad()
def average_gradients(net: nn.Module) -> None:
    """Replaces the gradients of every rank by their mean, as of one batch of all ranks' images."""
    if world_size() > 1:
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        one = torch.cat([gradient.flatten() for gradient in gradients]) / world_size()
        dist.all_reduce(one, group=_group(one.device.type))
        means = one.split([gradient.numel() for gradient in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view_as(gradient))


def broadcast(value: T) -> T:
    """Rank zero's value, on all ranks."""
    box = [value]
    if world_size() > 1:
        dist.broadcast_object_list(box, 0)
    return box[0]


def gather(value: T) -> list[T]:
    """The values of all ranks, on all ranks."""
    values = [value] * world_size()
    if world_size() > 1:
        dist.all_gather_object(values, value)
    return values


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
    errors = gather(error)
    error = error or next(filter(None, errors), None)
    if error is not None:
        raise error
    return result


def run_on_rank_zero(act: Callable[..., None], *arguments: Any) -> None:
    """Runs `act` on rank zero; if it fails, raises its UnblurError on all ranks."""
    run_on_all_ranks(lambda: act(*arguments) if is_rank_zero() else None)


def from_rank_zero(act: Callable[[], T]) -> T:
    """What `act` returns on rank zero, on all ranks; if it fails, raises its UnblurError on all."""
    found: Any = run_on_all_ranks(lambda: act() if is_rank_zero() else None)
    return broadcast(found)


def agreed(act: Callable[..., T], *arguments: Any) -> T:
    """What `act` returns, before `start`; where torchrun has started the ranks, on rank zero."""
    if not torchrun.launched():
        return act(*arguments)
    start(1)
    return from_rank_zero(lambda: act(*arguments))


@cache
def _group(device: str) -> Any:
    """The ranks, connected by what is fastest between devices of this type."""
    return dist.new_group(backend="nccl") if device == "cuda" else None


@contextmanager
def only_rank_zero_fails() -> Iterator[None]:
    """Around all that ranks do together: rank zero alone raises, the others exit.

    What torchrun is to start anew fails on every machine; what would fail again is marked so.

    Raises:
        UnblurError: on rank zero.
        RankLostError: on rank zero, if another rank's process ended.
    """
    try:
        yield
    except UnblurError as error:
        _fail(error)
    except RuntimeError as error:
        if "gloo" not in str(error).lower() and not isinstance(error, dist.DistError):
            raise
        reason = "another process of this run has ended, perhaps killed for its memory"
        if torchrun.launched():
            reason += " or with its machine; torchrun, or the same command, continues"
            _fail(RankLostError(f"{reason} from the last checkpoint"))
        reason += ", of which fewer processes need less; the last checkpoint is kept"
        _fail(RankLostError(reason, hint=Hint("resume")))
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _fail(error: UnblurError) -> NoReturn:
    lost = isinstance(error, RankLostError)
    if torchrun.launched() and not lost:
        torchrun.give_up(str(error))
    if is_rank_zero():
        raise error from None
    if lost:
        raise SystemExit(1) from None
    raise SystemExit(torchrun.silent_end() if torchrun.launched() else 0) from None
