"""The web page, built with Gradio."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import FastAPI
from gradio.themes import Base
from starlette.routing import BaseRoute, Mount

from unblur.errors import ExpiredError, UnblurError
from unblur.photo import locked
from unblur.serve import malloc
from unblur.serve.page.blocks import HEAD, make_blocks
from unblur.serve.page.fence import Fence
from unblur.serve.page.routes import expired, router
from unblur.serve.page.sessions import Sessions

if TYPE_CHECKING:
    from unblur.serve.settings import Settings

PATIENCE = 5
"""Factor by which a photo of the page may exceed `Settings.timeout`: its progress is shown."""
_SWEEP = 20.0
"""Seconds between two searches for expired sessions."""


def mount(app: FastAPI, settings: Settings) -> list[BaseRoute]:
    """Mounts the page at `/`; to be called after all other routes are added.

    Returns:
        The routes that the page adds to the app, but for the mounted one.
    """
    held_folder = contextlib.ExitStack()
    sessions = Sessions(held_folder.enter_context(_own_folder()), app.state.queue)
    app.state.sessions = sessions
    app.include_router(router)
    app.add_exception_handler(ExpiredError, lambda _, error: expired(error))
    inner = FastAPI(openapi_url=None)
    gr.mount_gradio_app(
        inner,
        make_blocks(sessions, settings.max_bytes, PATIENCE * settings.timeout),
        path="/",
        # A theme's own fonts would be loaded from other servers.
        theme=Base(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        show_error=False,
        max_file_size=0,
    )
    app.mount("/", Fence(inner, HEAD))
    _end_at_stop(app, inner, sessions)
    outer = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[object]:
        async with outer(app) as state, inner.router.lifespan_context(inner):
            sweeper = asyncio.create_task(_sweep(sessions))
            try:
                yield state
            finally:
                sweeper.cancel()
                sessions.close()
                held_folder.close()

    app.router.lifespan_context = lifespan  # pyright: ignore[reportAttributeAccessIssue]
    return router.routes


@contextlib.contextmanager
def _own_folder() -> Iterator[Path]:
    """Makes a folder for uploads, and removes those of servers that were killed."""
    prefix = "unblur-page-"
    if os.name == "posix":  # elsewhere folders in use cannot be told apart
        for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
            with contextlib.suppress(UnblurError, OSError), locked(left):
                shutil.rmtree(left)
    made = Path(tempfile.mkdtemp(prefix=prefix))
    with locked(made):
        yield made


def _end_at_stop(app: FastAPI, inner: FastAPI, sessions: Sessions) -> None:
    """Closes the connections of open pages when a stop begins, which would wait for them."""
    gradio: Any = next(route.app for route in inner.routes if isinstance(route, Mount))
    before = app.state.stop

    def stop() -> None:
        before()
        sessions.leave_all()
        gradio.stop_event.set()

    app.state.stop = stop


async def _sweep(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(_SWEEP)
        await asyncio.to_thread(sessions.sweep)
        # The queue trims after tasks, but not after downloads.
        await asyncio.to_thread(malloc.trim)
