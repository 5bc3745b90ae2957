"""Server-sent events: what becomes of jobs, told as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.serve.conftest import Live, Network, until
from unblur.serve.jobs import events

Start = Callable[..., Live]
Event = tuple[str, dict[str, Any]]


def told(answer: httpx.Response) -> Iterator[Event]:
    """The events of a stream, without the comments."""
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif "event" in fields:
            yield fields["event"], json.loads(fields["data"])
            fields = {}


def post(server: Live, data: bytes, **options: Any) -> str:
    answer = server.client.post("/v1/jobs", content=data, params=options)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def test_a_job_is_followed_until_it_is_finished(live: Start, network: Network, png: bytes) -> None:
    server = live(threads=1)
    network.go.clear()
    first, job = post(server, png), post(server, png, view=True)
    assert network.began.acquire(timeout=20)
    states = []
    with server.client.stream("GET", f"/v1/jobs/{job}/events") as answer:
        for event, state in told(answer):
            assert event == "job"
            states.append(state)
            network.go.set()  # only after the first was told
    assert states[0]["state"] == "waiting"
    assert states[0]["position"] == 1
    assert states[-1]["state"] == "done"
    assert states[-1]["result"] == f"/v1/jobs/{job}/result"
    assert len({json.dumps(state) for state in states}) > 1
    until(lambda: server.client.get(f"/v1/jobs/{first}").json()["state"] == "done")
    with server.client.stream("GET", f"/v1/jobs/{first}/events") as answer:
        ((event, state),) = told(answer)  # of one that is finished: once, and the end
    assert (event, state["state"]) == ("job", "done")
    assert server.client.get("/v1/jobs/unknown/events").status_code == 404


def test_many_jobs_are_followed_and_those_that_go_are_told(
    live: Start, network: Network, png: bytes
) -> None:
    server = live()
    jobs = [post(server, png, view=True) for _ in range(2)]
    heard: list[Event] = []
    ids = ",".join([jobs[0], "unknown", jobs[1]])
    with server.client.stream("GET", f"/v1/jobs/events?ids={ids}") as answer:
        for event, data in told(answer):
            heard.append((event, data))
            done = {d["id"] for _, d in heard if d.get("state") == "done" and d["blur"]}
            if done == set(jobs):
                for job in jobs:
                    server.client.delete(f"/v1/jobs/{job}")
    # The blur is measured after a job is done.
    gone = [data for event, data in heard if event == "gone"]
    assert gone[0] == {"id": "unknown"}
    assert [data["id"] for data in gone[1:]] == jobs
    nobody = server.client.get("/v1/jobs/events?ids=a,b")  # it ends: nothing can follow
    assert nobody.text.count("event: gone") == 2
    for wrong, why in {
        "": "ids: ",
        "?ids=": "ids: ",
        "?ids=" + ",".join(f"{n:032x}" for n in range(201)): "ids: at most 200 jobs may be named",
        "?ids=a&ids=b": "the option 'ids' was given 2 times",
        "?ids=a&strength=1": "there is no option 'strength'",
    }.items():
        refused = server.client.get(f"/v1/jobs/events{wrong}")
        assert refused.status_code == 422
        assert refused.json()["detail"].startswith(why)


def test_a_job_that_is_followed_is_kept(
    live: Start, network: Network, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "TICK", 0.01)
    server = live()
    jobs = server.app.state.jobs
    now = [0.0]
    jobs._clock = lambda: now[0]
    job = post(server, png, keep=10)
    with server.client.stream("GET", f"/v1/jobs/events?ids={job}") as answer:
        heard = told(answer)
        next(heard)
        for _ in range(3):
            now[0] += 9
            until(lambda: jobs._jobs[job].asked == now[0])
            jobs.sweep()
    now[0] += 11
    until(lambda: jobs.get(job) is None)


def test_a_stream_ends_with_its_client_and_with_the_server(
    live: Start, network: Network, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "QUIET", 0.05)
    server = live(threads=1)
    network.go.clear()
    job = post(server, png, view=True)
    open_ones = server.server.server_state.connections
    with httpx.Client(base_url=server.client.base_url, timeout=30) as client:
        with client.stream("GET", f"/v1/jobs/{job}/events") as answer:
            lines = answer.iter_lines()
            until(lambda: next(lines).startswith(":"))  # it says that it is alive
            assert len(open_ones) == 2
        until(lambda: len(open_ones) == 1)
    until(lambda: not server.server.server_state.tasks)
    # A HEAD has the head, and nothing goes on behind it.
    assert server.client.head(f"/v1/jobs/events?ids={job}").status_code == 200
    until(lambda: not server.server.server_state.tasks)

    def follow() -> float:
        with httpx.stream("GET", f"{server.client.base_url}/v1/jobs/events?ids={job}") as answer:
            list(answer.iter_lines())
        return time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow)
        until(lambda: server.server.server_state.tasks)
        began = time.monotonic()
        server.server.handle_exit(15, None)  # while the photo is still in the network
        assert following.result(30) - began < 10
        assert server.queue.count()["running"] == 1
        network.go.set()


def test_a_client_that_leaves_in_the_middle_of_many_events_is_nothing_to_log(
    live: Start, network: Network, png: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server = live()
    job = post(server, png, view=True)
    ids = ",".join([job, *(f"{n:032x}" for n in range(199))])
    for _ in range(3):
        with httpx.stream("GET", f"{server.client.base_url}/v1/jobs/events?ids={ids}") as answer:
            next(told(answer))
    until(lambda: not server.server.server_state.tasks)
    assert caplog.records == []
