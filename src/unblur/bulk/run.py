"""A run of a plan on Ray: the tickets, the workers, and what they tell."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from unblur.bulk.cluster import Pool, node_cpus
from unblur.bulk.how import How
from unblur.bulk.ledger import Ledger, Taken, live_nodes
from unblur.bulk.plan import BulkPlan
from unblur.bulk.records import Record
from unblur.bulk.store import Store
from unblur.bulk.tables import open_table
from unblur.bulk.worker import Worker
from unblur.errors import UnblurError

GRACE = 20.0
"""Seconds that the photos in progress have to come to their end when a run is stopped."""
_LOOK = 1.0
"""Seconds between two looks at what the workers tell."""
_TICKETS, _FEWEST, _MOST = 2000, 8, 256
_EACH = 4
"""Tickets that a worker has got at least, so that all end at about the same time."""
_QUIET = 30.0


def deblur_bulk(
    plan: BulkPlan,
    how: How,
    pool: Pool,
    stop: threading.Event,
    note: Callable[[str], None] = lambda line: None,
) -> Iterator[list[Record]]:
    """Deblurs the photos of a plan on the Ray that is connected.

    The records come by the ledger, as soon as each photo is done: those that come out of Ray Data
    come with their ticket, and twice if a machine is lost.

    Args:
        stop: once set, no photo is begun, and those in progress have `GRACE` seconds.
        note: called with a line that says what the run waits for.

    Yields:
        What was done in the last second, which may be nothing.

    Raises:
        UnblurError: if the work cannot go on.
    """
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # Beside the driver, as other machines may go away.
    node = ray.get_runtime_context().get_node_id()
    here = {"num_cpus": 0, "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)}
    ledger: Any = ray.remote(Ledger).options(**here).remote(live_nodes)
    names = (plan.settings, plan.run)
    rows = rows_of_ticket(plan.total, pool)
    given = (plan.target, plan.work, rows, Worker, (how, plan.target, names, ledger), pool)
    work = ray.remote(_execute).options(max_retries=0, **here).remote(*given)
    told, stopped = time.monotonic(), None
    try:
        while True:
            ended = bool(ray.wait([work], timeout=_LOOK)[0])
            taken: Taken = ray.get(ledger.take.remote())
            yield taken.records
            if taken.trouble:
                raise UnblurError(taken.trouble)
            if ended:
                ray.get(work)
                return
            if stop.is_set():
                if stopped is None:
                    ray.get(ledger.stop.remote())
                    stopped = time.monotonic()
                elif not taken.in_progress or time.monotonic() - stopped > GRACE:
                    return
            elif not taken.in_progress and min(taken.quiet, time.monotonic() - told) > _QUIET:
                told = time.monotonic()
                note(_waits(pool))
    except RayError as error:
        raise UnblurError(_in_words(error)) from None
    finally:
        ray.cancel(work, force=True)


def rows_of_ticket(total: int, pool: Pool) -> int:
    """Photos that a worker is given at a time.

    So few that all workers end at about the same time, and so many that what Ray's processes keep
    of each ticket stays little.
    """
    many = min(max(total // _TICKETS, _FEWEST), _MOST)
    return max(1, min(many, math.ceil(total / (_EACH * pool.first))))


def _execute(
    target: Store,
    files: tuple[str, ...],
    rows: int,
    worker: type[Worker],
    given: tuple[Any, ...],
    pool: Pool,
) -> None:
    """Gives the tickets to the workers; a Ray task, so that Ray Data's own words stay in its log.

    A block of data is one ticket, and not its photos: lists of millions of photos would have to be
    read and cut by tasks that need cores, of which the workers have all.
    """
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    # Machines may go away while workers start there; what no worker can do, the ledger tells.
    context.max_consecutive_actor_init_deaths = 100
    tickets = [
        {"ticket": number, "file": file, "first": first, "rows": rows}
        for number, (file, first) in enumerate(_parts(target, files, rows))
    ]
    compute = ray.data.ActorPoolStrategy(
        min_size=pool.least,
        initial_size=pool.first,
        max_size=pool.most,
        # While the last photos of a ticket are written, the first of another one are read.
        max_concurrent_calls_per_actor=2,
        enable_true_multi_threading=True,
    )
    data = ray.data.from_items(tickets, override_num_blocks=len(tickets)).map_batches(
        worker,
        fn_constructor_args=(*given, pool.cpus),
        batch_size=None,
        num_cpus=pool.cpus,
        compute=compute,
    )
    ledger = given[-1]
    for batch in data.iter_batches(batch_size=None, prefetch_batches=0):
        ledger.close.remote([int(ticket) for ticket in batch["ticket"]])


def _parts(target: Store, files: tuple[str, ...], rows: int) -> Iterator[tuple[str, int]]:
    """The files of a work list, cut: each with a first row."""

    def length(file: str) -> int:
        return open_table(target, file).metadata.num_rows

    with ThreadPoolExecutor(8) as threads:
        for file, count in zip(files, threads.map(length, files), strict=True):
            yield from ((file, first) for first in range(0, count, rows))


def _waits(pool: Pool) -> str:
    largest = max(node_cpus(), default=0)
    if largest < pool.cpus:
        there = f"the largest machine of the cluster has {largest}"
        return f"waits for a machine with {pool.cpus} free cores: {there}"
    return f"waits for {pool.cpus} free cores on one machine: others use the cluster's"


def _in_words(error: Exception) -> str:
    cause = getattr(error, "cause", None) or error
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    return f"the work on Ray has ended ({lines[-1].strip()[:300]}); the same command continues it"
