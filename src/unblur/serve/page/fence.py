"""Passes only those requests to Gradio that the page needs."""

from __future__ import annotations

import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OPEN = re.compile(
    r"/|/(config|theme\.css|gradio_api/(info|startup-events|theme\.css|queue/(join|data)|heartbeat/\w+))"
    r"|/(assets|static|svelte)/[\w./-]+"
)
_TALK = re.compile(
    rb'\s*<meta\s+(?:property="og|name="twitter):[^>]*>|\s*<link rel="manifest"[^>]*>'
)
"""Gradio's metadata for link previews and installation."""


class Fence:
    """Wraps Gradio's ASGI app, and closes its routes for uploads, files, proxies and monitoring.

    Args:
        head: HTML to add to the page's head; Gradio would add it later, by script.
    """

    def __init__(self, app: ASGIApp, head: str) -> None:
        self.app = app
        self.head = head.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
        if ".." in path or not _OPEN.fullmatch(path or "/"):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
        elif path in ("", "/"):
            await self._page(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The body is changed here, so it must not be compressed.
        kept = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start: Message = {}
        body = b""

        async def hold(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            page = _TALK.sub(b"", body).replace(b"</head>", self.head + b"</head>", 1)
            headers = [(n, v) for n, v in start["headers"] if n.lower() != b"content-length"]
            if scope["method"] == "GET":
                headers.append((b"content-length", str(len(page)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": page})

        await self.app({**scope, "headers": kept}, receive, hold)
