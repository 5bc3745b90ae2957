"""A worker: one process of the cluster, with one network and several photos at a time."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from unblur.bulk.gate import Gate
from unblur.bulk.ledger import Process
from unblur.errors import UnblurError

if TYPE_CHECKING:
    from unblur.bulk.how import How
    from unblur.bulk.listing import Found
    from unblur.bulk.store import Store

JOBS = 3
"""Photos at a time: one in the network, others being read and written; as of `unblur deblur`."""
PIXELS = JOBS * 2**25
"""Pixels at a time: three of the largest photos that are held in memory whole (`deblur_file`). A
photo of more goes alone; it is streamed, so that it needs no more memory than those three."""


class Worker:
    """Deblurs the photos of tickets; Ray Data calls it in several threads.

    A ticket is a part of a file of the work list: "ticket", its number; "file", its place in the
    target; "first" and "rows".

    Args:
        how: how each photo is deblurred.
        target: where results go, and where the work list is.
        names: settings and run, as of `Record`.
        ledger: handle of the `Ledger`.
        cpus: threads that compute.
    """

    def __init__(
        self, how: How, target: Store, names: tuple[str, str], ledger: Any, cpus: int
    ) -> None:
        # Before libvips is loaded, which else takes a thread a core for each operation.
        os.environ.setdefault("VIPS_CONCURRENCY", str(cpus))
        import ray

        from unblur.bulk.one import One
        from unblur.bulk.worklist import read_work

        self._get: Any = ray.get
        node = ray.get_runtime_context().get_node_id()
        self._process = Process(node, f"{socket.gethostname()}:{os.getpid()}")
        self._ledger = ledger
        self._held = ExitStack()
        try:
            deblurrer = self._held.enter_context(how.opened(cpus))
        except UnblurError as error:
            ray.get(ledger.fail.remote(error.message(how.words)))
            raise
        pixels = Gate(PIXELS)
        self._one = One(deblurrer, how, target, *names, self._process.name, pixels)
        self._slots = Gate(JOBS)
        self._pool = ThreadPoolExecutor(JOBS)
        self._rows = lru_cache(maxsize=2)(partial(read_work, target))
        ray.get(ledger.hello.remote())

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[int]]:
        """Deblurs the photos of the tickets of a batch; returns the tickets' numbers."""
        done = []
        for ticket, file, first, rows in zip(
            *(batch[name] for name in ("ticket", "file", "first", "rows")), strict=True
        ):
            self._work(int(ticket), self._rows(str(file))[int(first) : int(first) + int(rows)])
            done.append(int(ticket))
        return {"ticket": done}

    def _work(self, ticket: int, found: list[Found]) -> None:
        places = [one.place for one in found]
        answers: dict[str, str] = self._get(self._ledger.open.remote(ticket, places, self._process))
        running = [
            self._pool.submit(self._do, ticket, one, answers.get(one.place)) for one in found
        ]
        for future in running:
            future.result()

    def _do(self, ticket: int, found: Found, answer: str | None) -> None:
        if answer == "over":
            return
        if answer == "killed":
            self._get(self._ledger.end.remote(ticket, self._one.killed(found)))
            return
        # A photo with which a worker died has the process for itself: if it dies again, it is
        # this photo's doing.
        with self._slots.holding(JOBS if answer == "alone" else 1):
            if self._get(self._ledger.begin.remote(found.place, self._process)):
                self._get(self._ledger.end.remote(ticket, self._one(found)))
