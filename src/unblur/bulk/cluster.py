"""Ray, started on this machine or found where it runs, and the size of the pool of workers."""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from unblur.errors import UnblurError

OBJECT_STORE = 128 * 2**20
"""Bytes of shared memory of a Ray of this machine, through which only lists of photos go."""
FEW = 4
"""Cores of a worker of which more do not make a photo much faster, and fewer leave a machine's
memory to more workers than needed."""
_ANSWER = 15.0
"""Seconds in which an address has to answer. Ray itself tries it for a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The workers of a run.

    Attributes:
        least: workers that are kept.
        first: workers at the beginning.
        most: workers; None for as many as the cluster has room for, and makes room for.
        cpus: cores of each.
    """

    least: int
    first: int
    most: int | None
    cpus: int


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connects to a running Ray, or starts one of this machine for the time of the block.

    Args:
        address: "auto", "HOST:PORT" or "ray://HOST[:PORT]"; None starts one.

    Raises:
        UnblurError: if there is none, it does not answer, or it cannot be started.
    """
    _be_quiet()
    import ray
    from ray._private import worker

    how = {"log_to_driver": False, "logging_level": "CRITICAL"}
    if address is None:
        how |= {"include_dashboard": False, "object_store_memory": OBJECT_STORE}
    else:
        _check_answer(address)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(address or "local", **how)
    except Exception as error:  # noqa: BLE001 (Ray raises what its parts raise)
        words = " ".join(str(error).split())
        if "ray[client]" in words:
            raise UnblurError(f"{address} needs Ray's client: pip install 'ray[client]'") from None
        if address is None:
            raise UnblurError(f"Ray cannot be started ({words[:300]})") from None
        raise UnblurError(
            f"no Ray cluster was found at {address} ({words[:300]}); start one with "
            "'ray start --head', and set RAY_AUTH_MODE=token where it wants a token"
        ) from None
    # What Ray says of processes that died goes to standard output whatever `log_to_driver` is; its
    # own debugger silences it so.
    worker.__dict__["_worker_logs_enabled"] = False
    try:
        yield
    finally:
        ray.shutdown()
        worker.__dict__["_worker_logs_enabled"] = True


def pool_for(actors: tuple[int, int | None] | None, cpus: int | None, local: bool) -> Pool:
    """The pool of a connected Ray: by default all cores of this machine, or of a cluster.

    Args:
        actors: the least and the most workers.
        cpus: cores of each.
        local: whether Ray is this machine's own, which does not grow.

    Raises:
        UnblurError: if this machine has fewer cores.
    """
    nodes = node_cpus()
    largest = max(nodes, default=0)
    cpus = cpus or cores_of_worker(largest if local else min(largest, FEW) or FEW)
    room = sum(node // cpus for node in nodes)
    if local and not room:
        raise UnblurError(f"a worker of {cpus} cores was asked for; this machine has {largest}")
    least, most = actors or (1, room if local else None)
    if local and least > room:
        raise UnblurError(
            f"{least} workers of {cpus} cores were asked for; this machine has {largest}, "
            f"enough for {room}"
        )
    first = min(max(least, room), most or max(least, room))
    return Pool(least, first, most, cpus)


def cores_of_worker(cores: int) -> int:
    """Cores of each worker with which few of a machine's are left over: 8 are two times 4."""
    if cores <= FEW:
        return max(1, cores)
    return min((FEW, 3, 5, 6, 7), key=lambda own: cores % own)


def node_cpus() -> list[int]:
    """Cores of each machine that is there."""
    import ray

    nodes = (node for node in ray.nodes() if node["Alive"])
    return [int(node["Resources"].get("CPU", 0)) for node in nodes]


def _be_quiet() -> None:
    """Ray reads these when it is imported and when it starts its processes."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Not quiet, but as `unblur deblur`: Ray's workers else give way to all else on the machine.
    os.environ.setdefault("RAY_worker_niceness", "0")


def _check_answer(address: str) -> None:
    """Raises UnblurError if nothing listens at an address; "auto" names none."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address.startswith("ray://") and not host:
        host, port = port, "10001"
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnblurError(f"no Ray cluster answers at {address} ({reason})") from None
