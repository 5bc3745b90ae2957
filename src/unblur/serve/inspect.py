"""POST /v1/inspect: how blurred a photo is, and where."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from unblur.inference.blur_map import CELL, BlurMap
from unblur.inference.options import EXACT
from unblur.inspection import Inspection
from unblur.inspection.summary import Kind
from unblur.serve.api import UPLOAD, Queue, answer, problems
from unblur.serve.uploads import ModelChoice, body
from unblur.serve.work import Work, inspecting

Rows = list[list[float]]


class InspectChoices(ModelChoice):
    """How a photo is inspected."""

    map: bool = Field(default=False, description="Whether to send the blur of each cell too.")
    exact: bool = Field(default=False, description=EXACT.help)


class Cells(BaseModel):
    """The blur of each cell of the upright photo: lists of rows, from the top, of columns."""

    cell: int = Field(description="Side of the square cells, in pixels; the last may be cut.")
    rows: int
    columns: int
    length: Rows = Field(description="Of the motion during the exposure, in pixels; 0 at rest.")
    angle: list[list[int]] = Field(
        description="Its direction in whole degrees, 0 to 179, counter-clockwise from the"
        " horizontal."
    )
    radius: Rows = Field(description="Of the image of a point out of focus, in pixels; 0 in focus.")
    confidence: Rows = Field(
        description="0 to 1; 0 where there is no texture to tell the blur from."
    )


class Inspected(BaseModel):
    """How blurred a photo is."""

    score: int = Field(ge=0, le=100, description="Sharpness.")
    blurred: float = Field(ge=0, le=1, description="Share of the photo that is blurred.")
    length: float = Field(
        description="Typical length of the motion in the blurred part, in pixels; 0 if none."
    )
    angle: float | None = Field(
        description="Its direction in degrees, 0 to 180, counter-clockwise from the horizontal;"
        " null if there is no motion or it has no direction."
    )
    radius: float = Field(
        description="Typical radius of the defocus in the blurred part, in pixels; 0 if none."
    )
    kind: Kind = Field(description="Of the blur.")
    width: int = Field(description="Of the upright photo, in pixels.")
    height: int
    map: Cells | None = Field(description="Cell by cell; null unless it was asked for.")


router: APIRouter = APIRouter(tags=["photos"])


@router.post(
    "/v1/inspect",
    summary="Measure how blurred a photo is",
    response_model=Inspected,
    responses=problems(*UPLOAD),
    openapi_extra=body(InspectChoices),
)
async def inspect(
    request: Request, queue: Queue, options: Annotated[InspectChoices, Query()]
) -> Response:
    """The photo and the options are sent as to `/v1/deblur`, and wait in the same queue.

    The answer takes a fraction of the time of deblurring.
    """

    def work(data: bytes, chosen: InspectChoices) -> Work[Response]:
        def finish(inspection: Inspection) -> Response:
            # Here, in the queue's thread: the map of a large photo is long.
            text = described(inspection, chosen.map).model_dump_json()
            return Response(text, media_type="application/json")

        model, most = queue.models.find(chosen.model), queue.max_pixels
        return inspecting(model, data, finish, max_pixels=most, exact=chosen.exact)

    return await answer(request, queue, options, work, "send it again, or a smaller one")


def described(inspection: Inspection, with_map: bool) -> Inspected:
    """The answer."""
    return Inspected(
        **inspection.as_dict(),
        width=inspection.width,
        height=inspection.height,
        map=_cells(inspection.map) if with_map else None,
    )


def _cells(blur: BlurMap) -> Cells:
    """The map, rounded to what is measured, so that the answer stays small."""
    rows, columns = blur.shape
    return Cells(
        cell=CELL,
        rows=rows,
        columns=columns,
        length=_rounded(blur.length, 1),
        angle=(np.rint(blur.angle).astype(int) % 180).tolist(),
        radius=_rounded(blur.radius, 1),
        confidence=_rounded(blur.confidence, 2),
    )


def _rounded(values: np.ndarray, digits: int) -> Rows:
    # In doubles, which print as few digits as they were rounded to.
    return np.round(values.astype(np.float64), digits).tolist()
