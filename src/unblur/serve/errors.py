"""Turns exceptions into answers of one line; tracebacks go to the log alone."""

from __future__ import annotations

import logging

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unblur.errors import (
    Action,
    BusyError,
    ModelError,
    PhotoError,
    TooManyPixelsError,
    UnblurError,
    UnknownFormatError,
)

log: logging.Logger = logging.getLogger("unblur.serve")

BUG = "internal error; see the server's log"
_WORDS: dict[Action, str] = {
    "format": "ask for the format {values}",
    "install": "this server cannot read it",
    "max-pixels": "",
}
"""The hints of errors in a client's terms."""


def refusal(error: BaseException) -> HTTPException:
    """The answer for an exception of a task; logs what is not the photo's fault."""
    if isinstance(error, BusyError):
        return HTTPException(429, str(error), {"Retry-After": str(error.retry_after)})
    if isinstance(error, ModelError):
        return HTTPException(422, str(error))
    if isinstance(error, PhotoError):
        statuses = {TooManyPixelsError: 413, UnknownFormatError: 415}
        return HTTPException(statuses.get(type(error), 422), f"the photo {reason(error)}")
    log.error("the work on a photo failed", exc_info=error)
    if isinstance(error, MemoryError):
        return HTTPException(503, "not enough memory for the photo now", {"Retry-After": "30"})
    return HTTPException(500, BUG)


async def invalid(_: Request, error: Exception) -> JSONResponse:
    """The answer for wrong options."""
    assert isinstance(error, RequestValidationError)
    wrong = (f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
    return JSONResponse({"detail": "; ".join(wrong)}, 422)


def reason(error: UnblurError) -> str:
    """What is wrong with a photo, and what a client can do, to follow its name."""
    return error.message(_WORDS)


class UnexpectedErrorMiddleware:
    """Logs unexpected exceptions and answers 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        except ClientDisconnect:
            pass  # there is nobody to answer
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            log.error("a request failed", exc_info=error)
            await JSONResponse({"detail": BUG}, 500)(scope, receive, send)
