"""In which order the queue takes tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.serve.conftest import Network, until
from unblur.errors import BusyError, TaskCancelledError
from unblur.serve.models import LoadedModels
from unblur.serve.queue import PhotoQueue
from unblur.serve.task import Lane, Task
from unblur.serve.work import Report, Work


@pytest.fixture
def queue(network: Network) -> Iterator[Callable[[int], PhotoQueue]]:
    made: list[PhotoQueue] = []

    def start(threads: int) -> PhotoQueue:
        made.append(PhotoQueue(LoadedModels(("any",)), threads=threads, capacity=2))
        return made[-1]

    yield start
    for one in made:
        one.close(5)


class Worker:
    """Submits tasks that wait until they may go on, and notes the order in which they begin."""

    def __init__(self, queue: PhotoQueue) -> None:
        self.queue, self.begun = queue, list[str]()
        self.may_go: dict[str, threading.Event] = {}

    def submit(self, name: str, lane: Lane = "request") -> Task[None]:
        may_go = self.may_go.setdefault(name, threading.Event())

        def run(report: Report) -> None:
            self.begun.append(name)
            assert may_go.wait(30)

        return self.queue.submit(Work("inspect", 0, run), lane)

    def let_go(self, *names: str) -> None:
        for name in names or self.may_go:
            self.may_go[name].set()


def test_spare_tasks_come_after_all_others(queue: Callable[[int], PhotoQueue]) -> None:
    one = Worker(queue(1))
    one.submit("first")
    until(lambda: one.begun == ["first"])
    tasks = [one.submit(f"spare {n}", "spare") for n in range(9)]  # they are not in the way
    tasks += [one.submit("job", "job"), one.submit("request"), one.submit("request")]
    tasks += [one.submit("viewed", "viewed")]
    with pytest.raises(BusyError):
        one.submit("too many")
    assert one.queue.count() == {"waiting": 2, "running": 1, "viewed": 1, "jobs": 1, "spare": 9}
    assert one.queue.position(tasks[2]) == 3
    one.queue.cancel(tasks[0])
    one.let_go()
    for task in tasks[1:]:
        task.future.result(20)
    with pytest.raises(TaskCancelledError):
        tasks[0].future.result(20)
    spare = [f"spare {n}" for n in range(1, 9)]
    assert one.begun == ["first", "viewed", "job", "request", "request", *spare]


def test_the_other_threads_take_requests_first_and_no_job_that_nobody_looks_at(
    queue: Callable[[int], PhotoQueue],
) -> None:
    one = Worker(queue(2))
    for name in ("first", "second"):
        one.submit(name, "viewed")
    until(lambda: sorted(one.begun) == ["first", "second"])
    lanes: list[Lane] = ["job", "viewed", "request"]
    tasks = {lane: one.submit(lane, lane) for lane in lanes}
    one.submit("last", "job")
    one.let_go("first", "second")
    until(lambda: {"viewed", "request"} <= set(one.begun))  # one thread has each
    one.let_go("request")
    tasks["request"].future.result(20)
    assert one.queue.count()["jobs"] == 2
    one.let_go("viewed", "job")
    tasks["job"].future.result(20)
    until(lambda: one.begun[-2:] == ["job", "last"])
    one.let_go()


def test_one_spare_task_runs_at_a_time_and_none_when_the_server_stops(
    queue: Callable[[int], PhotoQueue],
) -> None:
    one = Worker(queue(3))
    tasks = [one.submit(f"spare {n}", "spare") for n in range(3)]
    until(lambda: one.begun == ["spare 0"])
    one.submit("request")
    until(lambda: one.begun == ["spare 0", "request"])
    assert one.queue.count()["spare"] == 2
    one.let_go("spare 0", "request")
    until(lambda: one.begun[2:] == ["spare 1"])
    one.queue.drain()
    one.let_go()
    one.queue.close(20)
    assert one.begun[3:] == []
    with pytest.raises(TaskCancelledError):
        tasks[2].future.result(20)
