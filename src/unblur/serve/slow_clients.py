"""The server's socket and protocol, which closes connections that make no progress."""

from __future__ import annotations

import os
import socket
import sys
import time
from types import FrameType
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from unblur.errors import ListenError
from unblur.serve.settings import Settings


def make_server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """Makes a uvicorn server with the settings' limits; it calls `app.state.stop` on a signal."""

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if not self.should_exit:
                print(
                    "unblur: stopping; finishing requests in progress", file=sys.stderr, flush=True
                )
                app.state.stop()
            super().handle_exit(sig, frame)

    return Server(
        uvicorn.Config(
            app,
            http=type("Protocol", (_Protocol,), {"settings": settings}),
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=settings.connections,
            timeout_graceful_shutdown=round(settings.stop_seconds),
        )
    )


def listen(settings: Settings) -> socket.socket:
    """Binds a socket to the address; connections wait in it until the server has started.

    Raises:
        ListenError: if it cannot be bound.
    """
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, number, _, address = found[0]
        made = socket.socket(family, kind, number)
        try:
            if os.name == "posix":  # elsewhere it would let two servers share a port
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(128)
        except OSError:
            made.close()
            raise
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise ListenError(
            f"cannot listen on {settings.host} port {settings.port} ({why})"
        ) from None
    return made


class _Protocol(H11Protocol):
    """Closes a connection whose client

    - does not send a request's head in time, or sends too much after the answer;
    - receives nothing of its answer for a while, or not all of it in time.
    """

    settings: Settings

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._idle_since = time.monotonic()
        self._unsent = self._dropped = 0
        self._unsent_since = self._stuck_since = self._idle_since
        self._watch = self.loop.call_later(self._period, self._look)

    def data_received(self, data: bytes) -> None:
        answered = self.cycle is not None and self.cycle.response_complete
        # The unread rest of a request is received and ignored, so that the client sees the answer.
        self._dropped = self._dropped + len(data) if answered else 0
        if self._dropped > max(self.settings.max_bytes, 2**20):
            self.transport.abort()
        else:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        super().connection_lost(exc)

    @property
    def _period(self) -> float:
        return min(5.0, self.settings.idle_seconds / 4)

    def _look(self) -> None:
        now = time.monotonic()
        if self._sends_nothing(now) or self._receives_nothing(now):
            # `close` would wait until the client has received the rest.
            self.transport.abort()
        else:
            self._watch = self.loop.call_later(self._period, self._look)

    def _sends_nothing(self, now: float) -> bool:
        answered = self.cycle is None or self.cycle.response_complete
        waits = self.timeout_keep_alive_task is not None  # uvicorn closes it soon
        if not answered or waits or self.conn.their_state is h11.ERROR:
            self._idle_since = now
        return now - self._idle_since > self.settings.idle_seconds

    def _receives_nothing(self, now: float) -> bool:
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0:
            self._unsent_since = now
        if unsent == 0 or unsent != self._unsent:
            self._stuck_since = now
        self._unsent = unsent
        # The system buffers megabytes, and accepts more only after it has sent much of them.
        stuck = now - self._stuck_since > 3 * self.settings.idle_seconds
        return stuck or now - self._unsent_since > self.settings.send_seconds
