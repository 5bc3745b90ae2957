"""GET /v1/about: what the server takes, and what it makes."""

from __future__ import annotations

import importlib.util

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from unblur import __version__
from unblur.photo import FORMATS, READABLE
from unblur.serve.api import Queue, problems
from unblur.serve.uploads import Format


class Limits(BaseModel):
    """More of it is refused."""

    bytes: int = Field(description="Of a request's body.")
    pixels: int = Field(description="Of a photo.")


class About(BaseModel):
    """The server."""

    version: str
    models: list[str] = Field(description="Names; the first is the default.")
    limits: Limits
    reads: list[str] = Field(description="Endings of the names of files that it reads.")
    writes: list[str] = Field(description="Formats of results.")


router: APIRouter = APIRouter(tags=["operation"])


@router.get("/v1/about", summary="What the server takes and makes", responses=problems())
async def about(request: Request, queue: Queue) -> About:
    """Its version, models, limits and formats."""
    heic = importlib.util.find_spec("pillow_heif") is not None
    return About(
        version=__version__,
        models=list(queue.models),
        limits=Limits(bytes=request.app.state.settings.max_bytes, pixels=queue.max_pixels),
        reads=sorted(READABLE if heic else FORMATS),
        writes=list(Format.__args__),
    )
