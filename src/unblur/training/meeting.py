"""How the ranks that torchrun has started find each other.

They would meet in a store of torchrun's, as https://pytorch.org/docs/stable/distributed.html says.
It lives longer than they do: after a restart it still has the addresses of processes that have
ended, to which gloo connects in vain; and where machines change places, torchrun names another
store on each (PyTorch 2.13). So a store of this attempt is made in rank zero, and only its address
is left in torchrun's.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from contextlib import suppress
from datetime import timedelta

import torch.distributed as dist
from torch.distributed import Store, TCPStore  # pyright: ignore[reportPrivateImportUsage]

from unblur.errors import RankLostError
from unblur.training import torchrun

_KEY = "unblur/meeting"
_SECONDS = 600.0
_SOON = timedelta(seconds=5)


def join() -> None:
    """Starts the process group of all ranks, of gloo.

    Raises:
        RankLostError: if they have not met within ten minutes.
    """
    rank, ranks = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    store = _host(ranks) if rank == 0 else _find(rank)
    store.set_timeout(timedelta(minutes=30))
    dist.init_process_group("gloo", store=store, rank=rank, world_size=ranks)


def _host(ranks: int) -> Store:
    end = time.monotonic() + _SECONDS
    address = torchrun.address_to(os.environ["MASTER_ADDR"]) or os.environ["MASTER_ADDR"]
    store = TCPStore(address, 0, is_master=True, wait_for_workers=False)
    for host, port in torchrun.stores():
        with suppress(RuntimeError):  # of a machine that has gone
            _store(host, port).set(_KEY, f"{address} {store.port} {uuid.uuid4()}")
    for rank in range(1, ranks):
        while not store.check([f"here/{rank}"]):
            _wait(end)
        store.set(f"go/{store.get(f'here/{rank}').decode()}", "")
    return store


def _find(rank: int) -> Store:
    end, own = time.monotonic() + _SECONDS, str(uuid.uuid4())
    torchrun.stores()  # noted, should this machine have rank zero next
    while True:
        _wait(end)
        with suppress(OSError, RuntimeError):
            shared = _store(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
            while not shared.check([_KEY]):
                _wait(end)
            place = shared.get(_KEY)
            host, port, _ = place.decode().split()
            # The store of an attempt before this: gone, or without an answer until there is a new.
            socket.create_connection((host, int(port)), 5).close()
            store = _store(host, int(port))
            store.set(f"here/{rank}", own)
            while shared.get(_KEY) == place:
                if store.check([f"go/{own}"]):
                    return store
                _wait(end)


def _store(host: str, port: int) -> TCPStore:
    return TCPStore(host, port, is_master=False, wait_for_workers=False, timeout=_SOON)


def _wait(end: float) -> None:
    if time.monotonic() > end:
        raise RankLostError("the run's other processes have not come within ten minutes")
    time.sleep(0.05)
