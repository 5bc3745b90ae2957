"""Sends files of jobs, which may be removed at any time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from unblur.serve.jobs.states import no_job

KEPT = {"cache-control": "private, max-age=3600, immutable"}
"""Of pictures, which never change."""


async def sent(
    path: Path, media_type: str, headers: Mapping[str, str], temporary: bool = False
) -> StreamingResponse:
    """The answer with a file, which is opened at once: it is sent whole even if it is removed.

    Args:
        temporary: whether it is deleted when it is sent, or the client leaves.

    Raises:
        HTTPException: if it is not there any more.
    """
    try:
        file = await run_in_threadpool(path.open, "rb")
    except OSError:
        raise no_job() from None
    size = file.seek(0, 2)
    file.seek(0)
    given = {"content-length": str(size), **headers}
    return _FileResponse(file, media_type, given, path if temporary else None)


class _FileResponse(StreamingResponse):
    """Sends an open file, and closes it, also if the client leaves before the end."""

    def __init__(
        self, file: BinaryIO, media_type: str, headers: Mapping[str, str], temporary: Path | None
    ) -> None:
        super().__init__(iter(lambda: file.read(2**18), b""), 200, headers, media_type)
        self.file, self.temporary = file, temporary

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self.file:
                await super().__call__(scope, receive, send)
        finally:
            if self.temporary is not None:
                self.temporary.unlink(missing_ok=True)
