"""The application. A request passes

    app (the middleware) -> security -> body_limits -> api -> queue -> result

and a photo that is posted as a job goes from `jobs` to the same queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from unblur import __version__
from unblur.serve import about, api, health, inspect, malloc, page
from unblur.serve.body_limits import BodyLimitMiddleware
from unblur.serve.errors import UnexpectedErrorMiddleware, invalid
from unblur.serve.jobs import Jobs, events, pictures, results
from unblur.serve.jobs import routes as job_routes
from unblur.serve.methods import MethodsMiddleware
from unblur.serve.metrics import Metrics, MetricsMiddleware
from unblur.serve.models import LoadedModels
from unblur.serve.openapi import describe
from unblur.serve.queue import PhotoQueue
from unblur.serve.security import SecurityMiddleware
from unblur.serve.settings import Settings, default_jobs

_DESCRIPTION = """\
Deblurs a photograph and keeps all else of its file; or says how blurred it is, and where.

    curl -F photo=@photo.jpg http://127.0.0.1:7860/v1/deblur -o sharp.jpg
    curl --data-binary @photo.jpg 'http://127.0.0.1:7860/v1/deblur?strength=0.5' -o sharp.jpg
    curl -F photo=@photo.jpg http://127.0.0.1:7860/v1/inspect

Errors are answered by one line: `{"detail": "..."}`. 429 and 503 come with `Retry-After`.
"""
_SWEEP = 20.0
"""Seconds between two searches for expired jobs."""

_no_page = APIRouter(include_in_schema=False)


def create_app(settings: Settings = Settings()) -> FastAPI:  # noqa: B008 - it is frozen
    """The application, with its models loaded and unfinished jobs queued.

    `app.state` holds what the routes share, and `stop`, to be called when a stop begins.

    Raises:
        ModelError: if a model cannot be loaded.
        JobsError: if the folder of jobs cannot be used.
    """
    queue = PhotoQueue(
        LoadedModels(settings.model, settings.tile, settings.trust),
        threads=settings.threads,
        capacity=settings.queue,
        max_pixels=settings.max_pixels,
    )
    try:
        jobs = Jobs(queue, settings.jobs or default_jobs(), settings.max_jobs, settings.keep)
    except BaseException:
        queue.close()
        raise
    metrics = Metrics(queue, jobs.count)
    routers = _routers(settings)
    routes = [route for router in routers for route in router.routes]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(jobs))
        try:
            yield
        finally:
            sweeping.cancel()
            await run_in_threadpool(queue.close, settings.stop_seconds)
            jobs.close()

    app = FastAPI(
        title="unblur",
        summary="Deblurs photographs.",
        description=_DESCRIPTION,
        version=__version__,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
        middleware=_middleware(settings, metrics, routes),
        exception_handlers={RequestValidationError: invalid},
        separate_input_output_schemas=False,
    )
    state = app.state
    state.settings, state.queue, state.jobs, state.metrics = settings, queue, jobs, metrics
    state.stop = queue.drain
    routes += app.routes  # the description's
    for router in routers:
        app.include_router(router)
    describe(app, list(queue.models), bool(settings.token))
    return app


def _middleware(settings: Settings, metrics: Metrics, routes: list[BaseRoute]) -> list[Middleware]:
    """In the order in which a request passes them; `routes` may still grow."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.allow_origin,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Content-Disposition", "Location", "Retry-After", "Unblur-Notes"],
    )
    return [
        # Counts every request, refused ones too.
        Middleware(MetricsMiddleware, metrics=metrics, routes=routes),
        # Checks host, origin and token, and adds the security headers to every answer.
        Middleware(SecurityMiddleware, settings=settings),
        # Lets pages of the allowed sites read the answers, errors too.
        *([cors] if settings.allow_origin else []),
        # Logs unexpected exceptions and answers 500.
        Middleware(UnexpectedErrorMiddleware),
        # Answers HEAD, OPTIONS, and methods that a path does not have.
        Middleware(MethodsMiddleware, routes=routes),
        # Limits the length and the time of the body, which the route reads.
        Middleware(BodyLimitMiddleware, settings=settings),
    ]


def _routers(settings: Settings) -> list[APIRouter]:
    """In the order in which they are asked; /v1/jobs/events is no job."""
    of_jobs = [events.router, results.router, pictures.router, job_routes.router]
    root = page.router if settings.page else _no_page
    return [api.router, inspect.router, *of_jobs, about.router, health.router, root]


async def _sweep(jobs: Jobs) -> None:
    while True:
        await run_in_threadpool(jobs.sweep)
        # The queue trims after tasks, but not after downloads.
        await run_in_threadpool(malloc.trim)
        await asyncio.sleep(_SWEEP)


@_no_page.get("/")
async def _root() -> PlainTextResponse:
    return PlainTextResponse("unblur: POST /v1/deblur; /openapi.json describes the rest\n")
