"""Waits for a photo on behalf of a client, and gives it up when the client is gone."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from fastapi import HTTPException, Request

from unblur.serve.errors import refusal
from unblur.serve.queue import DroppedError, Task, Work

T = TypeVar("T")


class GoneError(Exception):
    """The client left; there is nobody to answer."""


async def result_of(task: Task[T], work: Work, request: Request, seconds: float) -> T:
    """What the task gives.

    Args:
        request: whose body has been read, so that what comes of it yet is its end.
        seconds: the longest wait.

    Raises:
        HTTPException: for a photo that cannot be deblurred, or one that takes too long.
        GoneError: if the client left. In either case, and if this is cancelled, the work is too.
    """
    gone = asyncio.create_task(_left(request))
    done = asyncio.wrap_future(task.future)
    # An error that nobody comes to see is none to warn of.
    done.add_done_callback(lambda future: future.cancelled() or future.exception())
    try:
        await asyncio.wait({gone, done}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            if gone.done():
                raise GoneError
            raise _too_long(seconds)
        return done.result()
    except DroppedError:
        raise HTTPException(503, "the server stops", {"Retry-After": "10"}) from None
    except (HTTPException, GoneError, asyncio.CancelledError):
        raise
    except BaseException as error:  # noqa: BLE001 - of the work
        raise refusal(error) from None
    finally:
        gone.cancel()
        if not task.future.done():
            work.drop(task)


def _too_long(seconds: float) -> HTTPException:
    return HTTPException(
        503,
        f"it took longer than the limit of {seconds:g} s; a job (POST /v1/jobs) may take longer",
        {"Retry-After": "60"},
    )


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
