"""The fence around Gradio."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from unblur.serve.page import fence


def test_only_what_the_page_needs_reaches_gradio() -> None:
    reached: list[str] = []

    async def gradio(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])
        body = b'<head><meta property="og:title"\ncontent="Gradio" /></head>'
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def ask(*paths: str) -> list[int]:
        transport = httpx.ASGITransport(fence.Fence(gradio, "<title>unblur</title>"))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            page = await client.get("/")
            assert page.text == "<head><title>unblur</title></head>"
            return [(await client.get(path)).status_code for path in paths]

    closed = (
        "/gradio_api/upload",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=https://example.org/",
        "/gradio_api/stream/1/2/3/playlist.m3u8",
        "/gradio_api/deep_link",
        "/gradio_api/vibe-code",
        "/assets/%2e%2e/secret",
        "/monitoring",
        "/login",
        "/docs",
    )
    assert asyncio.run(ask(*closed)) == [404] * len(closed)
    assert reached == ["/"]
    needed = ("/config", "/theme.css", "/assets/a-b_C.js", "/gradio_api/queue/data?session_hash=a")
    assert asyncio.run(ask(*needed)) == [200] * len(needed)
