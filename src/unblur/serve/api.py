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
from unblur.serve.result import CachedResult
from unblur.serve.uploads import BINARY, BODY, Format, QueryChoices, received

RESULT = {f"image/{kind}": {"schema": BINARY} for kind in Format.__args__}
"""OpenAPI's `content` of an answer that is a photo's file."""

_ENDINGS = {"jpeg": "jpg", "tiff": "tif"}


def attachment(kind: str) -> dict[str, str]:
    """The header with the name under which a browser saves a result."""
    name = f"deblurred.{_ENDINGS.get(kind, kind)}"
    return {"content-disposition": f'attachment; filename="{name}"'}


class Problem(BaseModel):
    """What is wrong, in one line."""

    detail: str


class Model(BaseModel):
    """A loaded model."""

    name: str
    default: bool = Field(description="Whether it is used when a request names none.")
    sha256: str = Field(description="SHA-256 of its file.")


class Models(BaseModel):
    models: list[Model]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for these statuses, and for those of every checked route."""
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return {
        status: {
            "model": Problem,
            "description": _MEANINGS[status],
            **({"headers": retry} if status in (429, 503) else {}),
        }
        for status in (401, 421, *statuses)
    }


_MEANINGS = {
    400: "The form cannot be read.",
    401: "The token is missing or wrong.",
    403: "The request comes from a page of another site.",
    404: "There is no such job: it never existed, was deleted, or has expired.",
    408: "The body was sent too slowly.",
    409: "The job is not finished yet.",
    413: "The body is too long, or the photo has too many pixels.",
    415: "The body is no picture of a format that can be read.",
    421: "The host name in the request is not known.",
    422: "The photo is damaged or cannot be written in this format, or an option is wrong.",
    429: "The queue is full.",
    503: "It took too long, or the server is stopping.",
}
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
            "description": "The deblurred photo's file; byte for byte the one that was sent if"
            " nothing needs deblurring.",
            "content": RESULT,
        },
        **problems(*UPLOAD),
    },
    openapi_extra=BODY,
)
async def deblur(request: Request, queue: Queue, options: QueryChoices) -> Response:
    """The result keeps the photo's depth, EXIF, colour profile and alpha channel.

    The photo is sent as a form's file or as the whole body, options in the form or in the query;
    those in the form take precedence. The answer is sent when the photo is done: for one that
    takes long, post a job instead. Closing the connection cancels it.
    """
    if not queue.has_room():
        raise refusal(BusyError(queue.retry_after))
    async with received(request, options) as (file, chosen):

        def finish(result: CachedResult) -> tuple[bytes, str]:
            with result:
                kind = chosen.format or result.format
                return result.encode(chosen.strength, kind), kind

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
    return Response(result, media_type=f"image/{kind}", headers=attachment(kind))


@router.get("/v1/models", summary="List the models", responses=problems())
async def list_models(queue: Queue) -> Models:
    """The names that the option `model` takes."""
    models, default = queue.models.values(), queue.models.default
    return Models(
        models=[Model(name=m.name, default=m.name == default, sha256=m.digest) for m in models]
    )
