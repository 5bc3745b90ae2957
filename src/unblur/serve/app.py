"""The application: the API's routes, the page, and what stands around both."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.routing import Match, Mount, Route

from unblur import __version__
from unblur.serve import api
from unblur.serve.body_limits import BodyLimits
from unblur.serve.errors import Bugs, invalid
from unblur.serve.jobs import Jobs, routes
from unblur.serve.metrics import Measured, Measures
from unblur.serve.queue import Work
from unblur.serve.security import Safety
from unblur.serve.settings import Settings, default_jobs

_DESCRIPTION = """\
Takes a blurred photograph and gives it back sharp.

    curl -F photo=@photo.jpg http://127.0.0.1:7860/v1/deblur -o sharp.jpg
    curl --data-binary @photo.jpg 'http://127.0.0.1:7860/v1/deblur?strength=0.5' -o sharp.jpg

What is wrong is said in one line: `{"detail": "..."}`. 429 and 503 come with `Retry-After`.
"""


class Health(BaseModel):
    status: str


def create_app(settings: Settings = Settings()) -> FastAPI:  # noqa: B008 - it is frozen
    """The application, with the networks loaded and the unfinished jobs in the queue.

    Raises:
        ModelError: if a model is not to be had.
        JobsError: if the folder of jobs cannot be used.
    """
    work = Work(
        settings.model,
        tile=settings.tile,
        threads=settings.threads,
        places=settings.queue,
        max_pixels=settings.max_pixels,
    )
    try:
        folder = settings.jobs or default_jobs()
        jobs = Jobs(work, folder, settings.max_jobs, settings.keep)
    except BaseException:
        work.close()
        raise

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(jobs))
        try:
            yield
        finally:
            sweeping.cancel()
            await run_in_threadpool(work.close, settings.stop_seconds)
            jobs.close()

    app = FastAPI(
        title="unblur",
        summary="Deblurs photographs.",
        description=_DESCRIPTION,
        version=__version__,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    app.state.work = work
    app.state.stop = work.drain
    measures = Measures(work, jobs.count)
    api.add(app, work, settings)
    routes.add(app, jobs)
    _add_health(app, work, measures)
    _add_page(app, work, settings)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    # The last one added is the first to be asked.
    app.add_middleware(BodyLimits, settings=settings)
    app.add_middleware(Bugs)
    if settings.allow_origin:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allow_origin,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Content-Disposition", "Location", "Retry-After"],
        )
    app.add_middleware(Safety, settings=settings)
    app.add_middleware(Measured, measures=measures, router=app.router)
    _describe(app, settings, list(work.models))
    return app


async def _sweep(jobs: Jobs) -> None:
    while True:
        await run_in_threadpool(jobs.sweep)
        await asyncio.sleep(60)


def _add_health(app: FastAPI, work: Work, measures: Measures) -> None:
    @app.get("/healthz", tags=["operation"], summary="Whether the server is alive")
    async def healthz() -> Health:
        """For whoever restarts what is not: always 200."""
        return Health(status="ok")

    @app.get(
        "/readyz",
        tags=["operation"],
        summary="Whether the server takes photos",
        responses={503: {"model": api.Problem, "description": "The server stops."}},
    )
    async def readyz() -> Health:
        """For a balancer: 503 when the server is about to stop. A full queue is no reason."""
        if work.stopping:
            raise HTTPException(503, "the server stops")
        return Health(status="ready")

    @app.get(
        "/metrics",
        tags=["operation"],
        summary="Figures for Prometheus",
        response_class=PlainTextResponse,
        responses=api.problems(*api.EVERYWHERE),
    )
    async def metrics() -> Response:
        """Requests, photos, the queue, jobs, and the process, in Prometheus's text format."""
        text = await run_in_threadpool(measures.text)
        return Response(text, media_type="text/plain; version=1.0.0; charset=utf-8")


def _add_page(app: FastAPI, work: Work, settings: Settings) -> None:
    @app.api_route(
        "/v1/{rest:path}",
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        include_in_schema=False,
    )
    async def nothing(request: Request) -> Response:
        # Or the page, which takes every other path, would answer for the API.
        methods = _methods(app, request.scope)
        if methods:
            allowed = {"Allow": ", ".join(sorted(methods))}
            return JSONResponse({"detail": "Method Not Allowed"}, 405, allowed)
        return JSONResponse({"detail": "Not Found"}, 404)

    if settings.page:
        from unblur.serve import page  # it loads Gradio, which the API alone does without

        page.mount(app, work, settings)
        return

    @app.get("/", include_in_schema=False)
    async def root() -> PlainTextResponse:
        return PlainTextResponse("unblur: POST /v1/deblur; /openapi.json describes the rest\n")


def _methods(app: FastAPI, scope: Any) -> set[str]:
    found: set[str] = set()
    for route in app.routes:
        if isinstance(route, Route) and not isinstance(route, Mount) and "rest:" not in route.path:
            match, _ = route.matches(scope)
            if match is not Match.NONE:
                found |= route.methods or set()
    return found


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return invalid(error)


def _describe(app: FastAPI, settings: Settings, models: list[str]) -> None:
    """The OpenAPI description, with what FastAPI does not know."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = copy.deepcopy(made())  # parts of it are the modules' own
            _without_fastapis_422(schema)
            _name_models(schema, models)
            if settings.token:
                schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
                schemes["token"] = {"type": "http", "scheme": "bearer"}
                for path, routes_ in schema["paths"].items():
                    for route in routes_.values() if path not in ("/healthz", "/readyz") else ():
                        route["security"] = [{"token": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi


def _without_fastapis_422(schema: dict[str, Any]) -> None:
    """What is wrong with an option is said as everything else is (`_on_invalid`)."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)


def _name_models(schema: dict[str, Any], models: list[str]) -> None:
    for operations in schema["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {})
            form = body.get("multipart/form-data", {}).get("schema", {}).get("properties", {})
            for given in operation.get("parameters", []):
                if given["name"] == "model":
                    given["schema"] = {"type": "string", "enum": models, "default": models[0]}
                    form["model"] = {**form["model"], **given["schema"]}
