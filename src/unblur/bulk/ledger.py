"""Which photos are in progress, where, and which worker processes died with them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from unblur.bulk.records import Record

DEATHS = 2
"""Worker processes that die with a photo before it is set aside."""
Answer = Literal["alone", "over", "killed"]


@dataclass(frozen=True, slots=True)
class Process:
    """A worker process.

    Attributes:
        node: Ray's identifier of its machine.
        name: "host:process".
    """

    node: str
    name: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What has happened since the last time.

    Attributes:
        records: of photos that came to their end.
        in_progress: photos that are worked on now, on machines that are there.
        quiet: seconds since anything was begun or ended.
        trouble: why no worker can work; "" if they can.
    """

    records: list[Record]
    in_progress: int
    quiet: float
    trouble: str


class Ledger:
    """What workers tell of their photos; one for all of them, in a process of its own.

    Ray gives the photos of a worker that died to another one. Its own results cannot tell which of
    them were finished before, nor which of them it was that killed the worker: the ledger does.
    It holds what is in progress, and of tickets that are done their number, of which a run of
    millions of photos has some ten thousand.

    Args:
        nodes: the machines that are there. A worker whose machine went away, as spot machines do at
            any time, did not die of a photo.
    """

    def __init__(self, nodes: Callable[[], set[str]]) -> None:
        self._nodes = nodes
        self._begun: dict[str, Process] = {}
        self._deaths: defaultdict[str, list[str]] = defaultdict(list)
        self._over: defaultdict[int, set[str]] = defaultdict(set)
        self._closed: set[int] = set()
        self._records: list[Record] = []
        self._stopped, self._trouble = False, ""
        self._last = time.monotonic()

    def hello(self) -> None:
        """A worker is ready."""
        self._last = time.monotonic()

    def fail(self, trouble: str) -> None:
        """A worker cannot work at all, for a reason that holds for all."""
        self._trouble = self._trouble or trouble

    def open(self, ticket: int, places: Iterable[str], worker: Process) -> dict[str, Answer]:
        """A worker looks at the photos of a ticket, which another one may have begun.

        Returns:
            Those that are not like the others: to be done "alone", as a worker died with it; "over"
            before; or "killed": not to be begun, as two workers died with it.
        """
        if ticket in self._closed:
            return dict.fromkeys(places, "over")
        answers: dict[str, Answer] = {}
        nodes: set[str] | None = None
        over = self._over[ticket]
        for place in places:
            before = self._begun.get(place)
            if before is not None and before != worker:
                self._deaths[place].append(before.node)
                del self._begun[place]
            if place in over:
                answers[place] = "over"
            elif place in self._deaths:
                # Looked at anew each time: a machine's end may be known after its processes'.
                nodes = self._nodes() if nodes is None else nodes
                died = sum(node in nodes for node in self._deaths[place])
                if died:
                    answers[place] = "killed" if died >= DEATHS else "alone"
        return answers

    def begin(self, place: str, worker: Process) -> bool:
        """A worker begins a photo; False if it must not, as the run is being stopped."""
        if self._stopped:
            return False
        self._begun[place] = worker
        self._last = time.monotonic()
        return True

    def end(self, ticket: int, record: Record) -> None:
        """A photo has come to its end; only the first of several ends of it counts."""
        place = record.place
        self._begun.pop(place, None)
        self._deaths.pop(place, None)
        self._last = time.monotonic()
        if ticket not in self._closed and place not in self._over[ticket]:
            self._over[ticket].add(place)
            self._records.append(record)

    def close(self, tickets: Iterable[int]) -> None:
        """Tickets are done.

        Ray still gives one to another worker if the first dies between its last word of the ticket
        and the end of its task.
        """
        for ticket in tickets:
            self._closed.add(ticket)
            self._over.pop(ticket, None)

    def take(self) -> Taken:
        """What has happened; each record is given once."""
        records, self._records = self._records, []
        nodes = self._nodes() if self._begun else set()
        in_progress = sum(process.node in nodes for process in self._begun.values())
        quiet = time.monotonic() - self._last
        return Taken(records, in_progress, quiet, self._trouble)

    def stop(self) -> None:
        """No photo is begun any more."""
        self._stopped = True


def live_nodes() -> set[str]:
    """The machines of the cluster that are there."""
    import ray

    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}
