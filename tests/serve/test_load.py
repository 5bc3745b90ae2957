"""Too much, too slow, too long, and gone: none of it stops the server from serving others."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.serve.conftest import Live, Network, until

Start = Callable[..., Live]


def head(live: Live, more: str) -> bytes:
    return f"POST /v1/deblur HTTP/1.1\r\nHost: localhost:{live.port}\r\n{more}\r\n\r\n".encode()


def ends(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    try:
        while data := connection.recv(2**16):
            received += data
    except ConnectionError:
        pass
    return received


def test_a_full_queue_says_so_and_frees_itself(live: Start, network: Network, png: bytes) -> None:
    server = live(threads=1, queue=2)
    network.go.clear()
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(server.client.post, "/v1/deblur", content=png) for _ in range(3)]
        until(
            lambda: (
                server.queue.count()
                == {"waiting": 2, "running": 1, "viewed": 0, "jobs": 0, "spare": 0}
            )
        )
        refused = server.client.post("/v1/deblur", content=png)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 120
        assert "try again" in refused.json()["detail"]
        # Who waits keeps nobody from asking how it is.
        assert server.client.get("/readyz").status_code == 200
        network.go.set()
        assert [answer.result().status_code for answer in answers] == [200] * 3
    assert server.client.post("/v1/deblur", content=png).status_code == 200


def test_photos_in_the_queue_are_bounded_in_bytes_too(
    live: Start, network: Network, png: bytes
) -> None:
    server = live(threads=1, queue=10)
    server.queue.max_bytes = len(png)
    network.go.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.client.post, "/v1/deblur", content=png)
        until(lambda: server.queue.count()["running"] == 1)
        assert server.client.post("/v1/deblur", content=png).status_code == 429
        network.go.set()
        assert first.result().status_code == 200


def test_who_leaves_is_not_worked_for(live: Start, network: Network, png: bytes) -> None:
    server = live(threads=1, queue=2)
    network.go.clear()
    request = head(server, f"Content-Length: {len(png)}") + png
    running = server.raw(request)
    until(lambda: server.queue.count()["running"] == 1)
    leaving, staying = server.raw(request), server.raw(request)
    until(lambda: server.queue.count()["waiting"] == 2)
    # The server hears of them in this order: who sees the second go knows of the first.
    running.close()
    leaving.close()
    until(lambda: server.queue.count()["waiting"] == 1)
    network.go.set()
    assert staying.recv(12) == b"HTTP/1.1 200"
    until(lambda: not any(server.queue.count().values()))
    figures = server.client.get("/metrics").text
    assert 'unblur_photos_total{end="done",work="deblur"} 1.0' in figures
    assert (
        'unblur_photos_total{end="dropped",work="deblur"} 1.0' in figures
    )  # the other was never begun


def test_a_photo_that_takes_too_long_is_given_up(live: Start, network: Network, png: bytes) -> None:
    server = live(threads=1, timeout=0.2)
    network.go.clear()
    answer = server.client.post("/v1/deblur", content=png)
    assert answer.status_code == 503
    assert "longer than the limit of 0.2 s; a job" in answer.json()["detail"]
    assert answer.headers["retry-after"]
    network.go.set()
    until(lambda: not any(server.queue.count().values()))


def test_long_bodies_are_refused_however_they_come(live: Start, png: bytes) -> None:
    server = live(max_mb=1)

    def endless() -> Any:
        while True:
            yield b"x" * 2**16

    answers = [
        server.client.post("/v1/deblur", content=b"x" * 2**21),
        server.client.post("/v1/deblur", files={"photo": b"x" * 2**21}),
        server.client.post("/v1/jobs", content=b"x" * 2**21),
    ]
    for answer in answers:
        assert answer.status_code == 413
        assert answer.json()["detail"] == "the request is longer than the limit of 1048576 B"
    # Announced, it is refused before it comes.
    announced = server.raw(head(server, "Content-Length: 1000000000"))
    assert announced.recv(12) == b"HTTP/1.1 413"
    for url in ("/v1/deblur", "/v1/jobs", "/nosuch"):
        with suppress(httpx.TransportError):  # or the connection is closed on it
            assert server.client.post(url, content=endless()).status_code in (413, 404)
    assert server.client.post("/v1/deblur", content=png).status_code == 200


def test_slow_clients_are_not_waited_for(live: Start, png: bytes) -> None:
    server = live(idle_seconds=0.4, upload_seconds=0.8)
    nothing = server.raw(b"")
    half_a_head = server.raw(b"GET / HTTP/1.1\r\nHost:")
    half_a_body = server.raw(head(server, "Content-Length: 1000") + b"abc")
    drops = server.raw(head(server, "Content-Length: 1000"))
    assert is_cut_off(drops), "it was let go on"
    assert b"HTTP/1.1 408" in ends(half_a_body)
    assert ends(nothing) == ends(half_a_head) == b""
    assert server.client.post("/v1/deblur", content=png).status_code == 200


def test_who_does_not_take_the_answer_or_never_ends_is_cut_off(
    live: Start, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = 2**25
    monkeypatch.setattr("unblur.serve.result.CachedResult.encode", lambda *_: bytes(large))
    server = live(idle_seconds=0.4, send_seconds=30)
    deaf = server.raw(head(server, f"Content-Length: {len(png)}") + png)
    state = server.server.server_state
    until(lambda: state.total_requests and not state.connections)
    assert len(ends(deaf)) < large
    # Its answer does not wait for the body, and neither does the server.
    chatty = server.raw(
        b"PUT /v1/nosuch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n"
    )
    assert chatty.recv(12) == b"HTTP/1.1 404"
    assert is_cut_off(chatty), "it was listened to"


def test_connections_are_bounded(live: Start) -> None:
    server = live(connections=5)
    idle = [server.raw(b"") for _ in range(5)]
    until(lambda: len(server.server.server_state.connections) == 5)
    assert httpx.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 503
    for connection in idle:
        connection.close()
    until(lambda: not server.server.server_state.connections)
    assert httpx.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200


def test_a_stop_finishes_what_is_at_work_and_leaves_the_jobs(
    live: Start, network: Network, png: bytes, tmp_path: Any
) -> None:
    server = live(threads=1)
    network.go.clear()
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(server.client.post, "/v1/deblur", content=png)
        until(lambda: server.queue.count()["running"] == 1)
        waiting = pool.submit(server.client.post, "/v1/deblur", content=png)
        until(lambda: server.queue.count()["waiting"] == 1)
        job = server.client.post("/v1/jobs", content=png).json()["id"]
        server.server.handle_exit(15, None)
        network.go.set()
        assert running.result().status_code == 200
        assert waiting.result().status_code == 200
    server.thread.join(20)
    assert not server.thread.is_alive()
    assert [p.name for p in (tmp_path / "jobs").iterdir()] == [job]
    again = live(threads=1)
    until(lambda: again.client.get(f"/v1/jobs/{job}").json()["state"] == "done")


def is_cut_off(connection: socket.socket) -> bool:
    """Whether one that goes on sending, a byte at a time, is ended within ten seconds."""
    end = time.monotonic() + 10
    with suppress(ConnectionError):
        while time.monotonic() < end:
            connection.sendall(b"x")
            time.sleep(0.1)
    return time.monotonic() < end
