"""A server in this process, whose network waits for the test."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.files import write
from unblur.inference.contract import Contract
from unblur.serve.app import create_app
from unblur.serve.jobs import Jobs
from unblur.serve.jobs.store import Store
from unblur.serve.models import LoadedModels
from unblur.serve.queue import PhotoQueue
from unblur.serve.settings import Settings
from unblur.serve.slow_clients import listen, make_server


class Network:
    """Inverts; and waits while `go` is not set. `began` is released once for each tile."""

    contract = Contract(tile=512, overlap=32)
    parallel = 1
    digest = "0" * 64
    precision = description = "f32"

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.began = threading.Semaphore(0)

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        self.began.release()
        assert self.go.wait(30)
        return -batch


class Brighter:
    """A network that adds to all colours."""

    contract = Contract(tile=64, overlap=8)
    parallel = 1
    digest = "0" * 64
    precision = description = "f32"

    def __init__(self, by: float = 0.2) -> None:
        self.by = by
        self.go = threading.Event()
        self.go.set()

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        assert self.go.wait(30)
        return batch + np.float32(self.by)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    made = Network()
    monkeypatch.setattr("unblur.serve.models.open_network", lambda *_, **__: made)
    yield made
    made.go.set()


class Live:
    """A running server."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self.queue: PhotoQueue = self.app.state.queue
        listening = listen(settings)
        self.port = listening.getsockname()[1]
        self.server = make_server(self.app, settings)
        self.thread = threading.Thread(
            target=lambda: asyncio.run(self.server.serve([listening])), daemon=True
        )
        self.thread.start()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        self.sockets: list[socket.socket] = []

    def raw(self, data: bytes) -> socket.socket:
        """A connection on which these bytes were sent."""
        made = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self.sockets.append(made)
        made.sendall(data)
        return made

    def stop(self) -> None:
        for one in self.sockets:
            one.close()
        self.client.close()
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def live(network: Network, tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Starts a server with these settings."""
    started: list[Live] = []

    def start(**settings: Any) -> Live:
        given = {"port": 0, "jobs": tmp_path / "jobs", "page": False, **settings}
        started.append(Live(Settings(**given)))
        return started[-1]

    yield start
    network.go.set()
    for one in started:
        one.stop()


def until(condition: Callable[[], Any]) -> None:
    """Waits for a condition; fails after a minute."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def finished_job(client: httpx.Client, location: str) -> dict[str, Any]:
    """Waits until a job is done or has failed; its state."""
    state: dict[str, Any] = {}

    def ended() -> bool:
        state.update(client.get(location).json())
        return state["state"] in ("done", "failed")

    until(ended)
    return state


@pytest.fixture
def png(tmp_path: Path, picture: np.ndarray) -> bytes:
    """A photo's file."""
    return write(tmp_path / "photo.png", picture).read_bytes()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "jobs").mkdir()
    return Store(tmp_path / "jobs")


def opened(
    store: Store, network: Network, capacity: int = 100, keep: float = 100
) -> tuple[PhotoQueue, Jobs]:
    """The jobs of a folder, as a server has them, and its queue; both are to be closed."""
    queue = PhotoQueue(LoadedModels(["default"]), threads=1)
    return queue, Jobs(queue, store.folder, capacity, keep)
