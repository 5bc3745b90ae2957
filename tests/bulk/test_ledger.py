"""What the ledger holds of photos, workers and machines, without Ray."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from unblur.bulk.cluster import Pool, cores_of_worker
from unblur.bulk.gate import Gate
from unblur.bulk.ledger import Ledger, Process
from unblur.bulk.records import Record
from unblur.bulk.run import rows_of_ticket

A, B, C = Process("here", "a:1"), Process("here", "a:2"), Process("there", "b:1")
DONE = Record("x", "/x", "done", "1", "s", "r", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def nodes() -> set[str]:
    return {"here", "there"}


@pytest.fixture
def ledger(nodes: set[str]) -> Ledger:
    return Ledger(lambda: nodes)


def test_a_photo_is_alone_after_one_death_and_set_aside_after_two(ledger: Ledger) -> None:
    assert ledger.open(0, ["x", "y"], A) == {}
    ledger.begin("x", A)
    assert ledger.open(0, ["x", "y"], B) == {"x": "alone"}
    ledger.begin("x", B)
    assert ledger.open(0, ["x", "y"], C) == {"x": "killed"}


def test_a_machine_that_went_away_is_no_photos_fault(ledger: Ledger, nodes: set[str]) -> None:
    ledger.begin("x", C)
    # Its end becomes known after that of the process.
    assert ledger.open(0, ["x"], A) == {"x": "alone"}
    nodes.remove("there")
    assert ledger.open(0, ["x"], A) == {}


def test_a_worker_that_gets_its_own_photo_again_did_not_die(ledger: Ledger) -> None:
    ledger.begin("x", A)
    assert ledger.open(0, ["x"], A) == {}


def test_each_photo_ends_once_however_often_its_ticket_is_given(ledger: Ledger) -> None:
    ledger.begin("x", A)
    ledger.end(0, DONE)
    ledger.end(0, replace(DONE, seconds=2.0))
    assert ledger.take().records == [DONE]
    assert ledger.open(0, ["x", "y"], B) == {"x": "over"}
    assert ledger.take().records == []


def test_the_ledger_forgets_what_is_closed(ledger: Ledger) -> None:
    for ticket in range(100):
        ledger.open(ticket, ["x"], A)
        ledger.begin("x", A)
        ledger.end(ticket, DONE)
        ledger.close([ticket])
        ledger.take()
    assert not ledger._over
    assert not ledger._begun
    assert not ledger._deaths


def test_a_stopped_ledger_lets_nothing_begin(ledger: Ledger) -> None:
    assert ledger.begin("x", A)
    ledger.stop()
    assert not ledger.begin("y", A)
    assert ledger.take().in_progress == 1


def test_one_that_takes_all_of_a_gate_waits_for_all_and_is_not_passed() -> None:
    gate, order, waiting = Gate(3), [], threading.Event()

    def hold(name: str, amount: int) -> None:
        with gate.holding(amount):
            order.append(name)

    with gate.holding(1):
        large = threading.Thread(target=hold, args=("large", 100))
        large.start()
        while len(gate._waiting) < 1:
            waiting.wait(0.001)
        small = threading.Thread(target=hold, args=("small", 1))
        small.start()
        while len(gate._waiting) < 2:
            waiting.wait(0.001)
        assert order == []
    large.join()
    small.join()
    assert order == ["large", "small"]


def test_few_cores_are_left_over() -> None:
    assert [cores_of_worker(n) for n in (1, 2, 3, 4, 6, 8)] == [1, 2, 3, 4, 3, 4]
    assert all(n % cores_of_worker(n) <= n // 8 for n in range(1, 129))


def test_every_worker_gets_some_tickets_and_millions_of_photos_make_few() -> None:
    assert rows_of_ticket(30, Pool(1, 4, 4, 4)) == 2
    assert rows_of_ticket(10_000, Pool(1, 1, 1, 2)) == 8
    assert 10_000_000 / rows_of_ticket(10_000_000, Pool(1, 1, None, 4)) < 40_000
