"""POST /v1/deblur and GET /v1/models."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from unblur.errors import BusyError, ModelError
from unblur.serve.disconnect import result_of
from unblur.serve.errors import refusal
from unblur.serve.queue import DeblurQueue
from unblur.serve.result import Restoration
from unblur.serve.uploads import BODY, QueryChoices, received

TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "avif": "image/avif",
    "gif": "image/gif",
}
"""Media types of the results."""

_ENDINGS = {"jpeg": "jpg", "tiff": "tif"}

RESULT = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES.values()}
"""OpenAPI's `content` of an answer that is a photo's file."""


def attachment(kind: str) -> dict[str, str]:
    """The header with the name under which a browser saves a result."""
    name = f"deblurred.{_ENDINGS.get(kind, kind)}"
    return {"content-disposition": f'attachment; filename="{name}"'}


class Problem(BaseModel):
    """What is wrong, in one line."""

    detail: str


class Model(BaseModel):
    """A network that is served."""

    name: str
    default: bool = Field(description="Whether it is taken when a request names none.")
    sha256: str = Field(description="Of its file: the same model gives the same results.")


class Models(BaseModel):
    models: list[Model]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for these statuses."""
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return {
        status: {
            "model": Problem,
            "description": _MEANINGS[status],
            **({"headers": retry} if status in (429, 503) else {}),
        }
        for status in statuses
    }


_MEANINGS = {
    400: "The form cannot be read.",
    401: "The token is missing or wrong.",
    403: "The request comes from a page of another site.",
    404: "There is no such job: it never was, was deleted, or its time is over.",
    408: "The body came too slowly.",
    409: "The job is not finished yet.",
    413: "The body is too long, or the photo has too many pixels.",
    415: "The body is no picture of a format that can be read.",
    421: "The server is not known by the name in the request.",
    422: "The photo is damaged or cannot be written in this format, or an option is wrong.",
    429: "There is too much to do at the moment.",
    503: "It took too long, or the server stops.",
}
EVERYWHERE = (401, 421)
UPLOAD = (400, 403, 408, 413, 415, 422, 429, 503)


async def _queue(request: Request) -> DeblurQueue:
    return request.app.state.queue


Queue = Annotated[DeblurQueue, Depends(_queue)]

router = APIRouter(tags=["photos"])


@router.post(
    "/v1/deblur",
    summary="Deblur a photo",
    response_class=Response,
    responses={
        200: {
            "description": "The photo's file, sharp; byte for byte what was sent if nothing of it"
            " needs deblurring.",
            "content": RESULT,
        },
        **problems(*EVERYWHERE, *UPLOAD),
    },
    openapi_extra=BODY,
)
async def deblur(request: Request, queue: Queue, options: QueryChoices) -> Response:
    """The result has what the photo has: depth, EXIF, colour profile, alpha.

    The photo comes as a form's file, or as the whole body. Options stand in the form, or in the
    address; the form's count more. The answer comes when the photo is done: for one that takes
    long, post a job instead. A client that closes the connection withdraws its photo.
    """
    if not queue.has_room():
        raise refusal(BusyError(queue.retry_after))
    async with received(request, options) as (file, chosen):

        def finish(restoration: Restoration) -> tuple[bytes, str]:
            with restoration:
                kind = chosen.format or restoration.format
                return restoration.encode(chosen.strength, kind), kind

        data = await run_in_threadpool(file.read)
        try:
            task = queue.submit(
                data, finish, model=chosen.model, best=chosen.best, kind=chosen.format
            )
        except (BusyError, ModelError) as error:
            raise refusal(error) from None
        del data
    try:
        result, kind = await result_of(task, queue, request, request.app.state.settings.timeout)
    except ClientDisconnect:
        return Response(status_code=499)
    return Response(result, media_type=TYPES[kind], headers=attachment(kind))


@router.get("/v1/models", summary="List the models", responses=problems(*EVERYWHERE))
async def list_models(queue: Queue) -> Models:
    """The names that the option `model` takes."""
    models, default = queue.models.by_name.values(), queue.models.default
    return Models(
        models=[Model(name=m.name, default=m.name == default, sha256=m.digest) for m in models]
    )
