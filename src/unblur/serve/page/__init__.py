"""The page for people: photos in, a comparison, photos out. Gradio carries it."""

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
from starlette.routing import Mount

from unblur.errors import UnblurError
from unblur.photo import locked
from unblur.serve.malloc import give_back
from unblur.serve.page.blocks import HEAD, make_blocks
from unblur.serve.page.fence import Fence
from unblur.serve.page.routes import gone, router
from unblur.serve.page.sessions import GoneError, Visits
from unblur.serve.queue import Work

if TYPE_CHECKING:
    from unblur.serve.settings import Settings

PATIENCE = 5
"""A photo may be worked on so many times as long as others: its owner sees how far it is."""
_SWEEP = 20.0
"""Seconds between two looks for visits that are over."""


def mount(app: FastAPI, work: Work, settings: Settings) -> None:
    """Puts the page at `/` of an app; to be called after all other routes are there."""
    held_folder = contextlib.ExitStack()
    visits = Visits(held_folder.enter_context(_own_folder()), work)
    app.include_router(router(visits, settings.max_bytes))
    app.add_exception_handler(GoneError, lambda _, error: gone(error))
    inner = FastAPI(openapi_url=None)
    gr.mount_gradio_app(
        inner,
        make_blocks(visits, settings.max_bytes, PATIENCE * settings.timeout),
        path="/",
        # Without a theme's fonts, which would come from elsewhere.
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
    _end_at_stop(app, inner, visits)
    outer = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[object]:
        async with outer(app) as state, inner.router.lifespan_context(inner):
            sweeper = asyncio.create_task(_sweep(visits))
            try:
                yield state
            finally:
                sweeper.cancel()
                visits.close()
                held_folder.close()

    app.router.lifespan_context = lifespan  # pyright: ignore[reportAttributeAccessIssue]


@contextlib.contextmanager
def _own_folder() -> Iterator[Path]:
    """A folder for what visitors bring. Those that killed servers left behind are removed."""
    prefix = "unblur-page-"
    if os.name == "posix":  # elsewhere there is no telling them from those in use
        for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
            with contextlib.suppress(UnblurError, OSError), locked(left):
                shutil.rmtree(left)
    made = Path(tempfile.mkdtemp(prefix=prefix))
    with locked(made):
        yield made


def _end_at_stop(app: FastAPI, inner: FastAPI, visits: Visits) -> None:
    """An open page holds a connection: without this, a stop would wait until it is closed."""
    gradio: Any = next(route.app for route in inner.routes if isinstance(route, Mount))
    before = app.state.stop

    def stop() -> None:
        before()
        visits.leave_all()
        gradio.stop_event.set()

    app.state.stop = stop


async def _sweep(visits: Visits) -> None:
    while True:
        await asyncio.sleep(_SWEEP)
        await asyncio.to_thread(visits.sweep)
        # After downloads, which no task of the queue's ends.
        await asyncio.to_thread(give_back)
