"""Limits the length of request bodies, the time that they take, and the pauses in them."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unblur.serve.settings import Settings

_DRAIN_BYTES = 2**23
_DRAIN_SECONDS = 2.0


class BodyLimitMiddleware:
    """Answers 413 to a body that is too long, 408 to one that is too slow; for every route."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app: ASGIApp = app
        self.settings: Settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, self.settings)
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self.settings.max_bytes:
            body.refuse_length()
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            # The route's own answer to a truncated body would be misleading.
            if body.refusal and not started:
                return
            started = True
            await send(message)

        if not body.refusal:
            with suppress(_BodyRefusedError):
                await self.app(scope, body.receive, send_on)
        if body.refusal and not started:
            await _refuse(*body.refusal, receive, send)


class _BodyRefusedError(Exception):
    """Ends the route that reads a body beyond a limit."""


class _Body:
    def __init__(self, receive: Receive, settings: Settings) -> None:
        self._receive, self._settings = receive, settings
        self._length = 0
        self._whole = False
        self._began = time.monotonic()
        self.refusal: tuple[int, str] | None = None

    async def receive(self) -> Message:
        if self.refusal:
            raise _BodyRefusedError
        if self._whole:
            return await self._receive()
        settings = self._settings
        left = settings.upload_seconds - (time.monotonic() - self._began)
        try:
            async with asyncio.timeout(min(left, settings.idle_seconds)):
                message = await self._receive()
        except TimeoutError:
            if left < settings.idle_seconds:
                why = f"the request took longer than {settings.upload_seconds:g} s to arrive"
            else:
                why = f"nothing more of the request came for {settings.idle_seconds:g} s"
            self.refusal = 408, why
            raise _BodyRefusedError from None
        if message["type"] == "http.request":
            self._length += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._length > settings.max_bytes:
                self.refuse_length()
                raise _BodyRefusedError
        return message

    def refuse_length(self) -> None:
        self.refusal = 413, f"the request is longer than the limit of {self._settings.max_bytes} B"


async def _refuse(status: int, detail: str, receive: Receive, send: Send) -> None:
    response = JSONResponse({"detail": detail}, status, {"connection": "close"})
    await send({"type": "http.response.start", "status": status, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    if status == 413:
        await _drain(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    """Reads on for a while: a client that is sending when the connection closes sees no answer."""
    length = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while length < _DRAIN_BYTES:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
                length += len(message.get("body", b""))
