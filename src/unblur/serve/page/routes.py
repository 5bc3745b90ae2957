"""The routes that page.js uses: upload, preview and download of a session's photos."""

from __future__ import annotations

import shutil
import uuid
import zipfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.background import BackgroundTask

from unblur.errors import ExpiredError, UnblurError
from unblur.serve.disk_space import require_room
from unblur.serve.errors import reason
from unblur.serve.page import measuring
from unblur.serve.page.running import described
from unblur.serve.page.sessions import MAX_PHOTOS, Sessions, Upload, clean_name, upload_name

STATIC = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "viewer.js": "text/javascript",
    "logo.svg": "image/svg+xml",
    "example.jpg": "image/jpeg",
}
ROOM = 2**29
"""Free bytes on the disk that a further photo and its result need."""
_KEPT = {"Cache-Control": "private, max-age=3600, immutable"}
_CHUNK = 2**20


async def _sessions(request: Request) -> Sessions:
    return request.app.state.sessions


SessionsOf = Annotated[Sessions, Depends(_sessions)]
Strength = Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)]

router = APIRouter(prefix="/page", include_in_schema=False)
"""The routes. They contain the session's token; they raise ExpiredError, answered by `expired`."""


@router.get("/static/{name}")
def static(name: str) -> Response:
    if name not in STATIC:
        return JSONResponse({"detail": "is not there"}, 404)
    data = (resources.files("unblur.serve.page") / name).read_bytes()
    return Response(data, media_type=STATIC[name], headers={"Cache-Control": "no-cache"})


@router.get("/{token}")
def stay(sessions: SessionsOf, token: str) -> Response:
    try:
        sessions.find(token)
    except ExpiredError:
        return JSONResponse({"gone": True})
    return JSONResponse({"gone": False})


@router.post("/{token}/photos")
async def upload(
    request: Request, sessions: SessionsOf, token: str, name: str = "photo"
) -> Response:
    session, max_bytes = sessions.find(token), request.app.state.settings.max_bytes
    if len(session.uploads) >= MAX_PHOTOS:
        return _refused(f"is one too many: at most {MAX_PHOTOS} photos are accepted")
    try:
        require_room(sessions.folder, ROOM)
        folder = session.new_folder()
    except OSError:
        return _refused("cannot be uploaded now: the server's disk is full. Try again later")
    path = folder / upload_name(name)
    try:
        if not await _receive(request, path, max_bytes):
            shutil.rmtree(folder, ignore_errors=True)
            return _refused(f"is larger than {max_bytes // 2**20} MB, the limit of this server")
        arguments = (clean_name(name), folder, path, sessions.queue.max_pixels)
        added = await anyio.to_thread.run_sync(session.add, *arguments, limiter=sessions.decoders)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, UnblurError) and not isinstance(error, ExpiredError):
            return _refused(reason(error))
        if isinstance(error, MemoryError):
            return _refused("needs more memory than there is")
        raise
    measuring.measure(added, sessions.queue)
    return JSONResponse(described(session, added, sessions.queue))


@router.delete("/{token}/photos/{id_}")
def remove(sessions: SessionsOf, token: str, id_: str) -> Response:
    sessions.find(token).remove(_find(sessions, token, id_), sessions.queue)
    return Response(status_code=204)


@router.get("/{token}/photos/{id_}/result")
def result(sessions: SessionsOf, token: str, id_: str, strength: Strength = 1.0) -> Response:
    found = _find(sessions, token, id_)
    try:
        out = _save(found, strength)
    except UnblurError as error:
        return expired(error)
    kind = "application/octet-stream"
    done = BackgroundTask(out.unlink, missing_ok=True)
    return FileResponse(out, media_type=kind, filename=found.result_name, background=done)


@router.get("/{token}/all.zip")
def all_results(
    sessions: SessionsOf, token: str, photos: str, strength: Strength = 1.0
) -> Response:
    uploads = sessions.find(token).uploads
    chosen = [uploads[id_] for id_ in dict.fromkeys(photos.split(",")) if id_ in uploads]
    headers = {"Content-Disposition": 'attachment; filename="unblur.zip"'}
    return StreamingResponse(_zip(chosen, strength), media_type="application/zip", headers=headers)


@router.get("/{token}/photos/{id_}/{view}.jpg")
def preview(sessions: SessionsOf, token: str, id_: str, view: str) -> Response:
    return _preview(_find(sessions, token, id_), view, f"{view}.jpg")


@router.get("/{token}/photos/{id_}/{view}/{x}_{y}.jpg")
def preview_tile(sessions: SessionsOf, token: str, id_: str, view: str, x: int, y: int) -> Response:
    return _preview(_find(sessions, token, id_), view, f"{view}/{x}_{y}.jpg")


@router.get("/{token}/photos/{id_}/blur.png")
async def blur_map(sessions: SessionsOf, token: str, id_: str) -> Response:
    found = _find(sessions, token, id_)
    if found.measured is None:
        raise ExpiredError
    try:
        path = await anyio.to_thread.run_sync(measuring.draw, found, limiter=sessions.decoders)
    except OSError:  # removed meanwhile
        raise ExpiredError from None
    return FileResponse(path, media_type="image/png", headers=_KEPT)


def _find(sessions: Sessions, token: str, id_: str) -> Upload:
    found = sessions.find(token).uploads.get(id_)
    if found is None:
        raise ExpiredError
    return found


def _preview(upload: Upload, view: str, name: str) -> Response:
    path = upload.folder / name
    own = view in ("thumb", "before", upload.result and upload.result.name)
    if not own or not path.is_file():
        raise ExpiredError
    return FileResponse(path, media_type="image/jpeg", headers=_KEPT)


async def _receive(request: Request, path: Path, most: int) -> bool:
    """Writes the body to a file; returns whether it was at most `most` bytes long."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        return False
    size = 0
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                return False
            await file.write(chunk)
    return True


def _save(upload: Upload, strength: float) -> Path:
    """Writes the result to a file, which the caller deletes, or raises UnblurError."""
    if upload.result is None:
        raise ExpiredError
    out = upload.folder / f"result-{uuid.uuid4().hex}"
    try:
        upload.result.cached.save(out, strength)
    except (ValueError, OSError, AttributeError):  # closed meanwhile
        raise ExpiredError from None
    return out


def _zip(uploads: list[Upload], strength: float) -> Iterator[bytes]:
    """Streams a zip of the results, stored without compression."""
    names: set[str] = set()
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for upload in uploads:
            try:
                out = _save(upload, strength)
            except UnblurError:
                continue  # removed meanwhile
            try:
                info = zipfile.ZipInfo.from_file(out, _unused(upload.result_name, names))
                with out.open("rb") as file, archive.open(info, "w", force_zip64=True) as entry:
                    while chunk := file.read(_CHUNK):
                        entry.write(chunk)
                        yield sink.take()
            finally:
                out.unlink(missing_ok=True)
    yield sink.take()


def _unused(name: str, names: set[str]) -> str:
    stem, _, ending = name.rpartition(".")
    number = 1
    while name.lower() in names:
        number += 1
        name = f"{stem} ({number}).{ending}"
    names.add(name.lower())
    return name


class _Sink:
    """A file to write to; `take` returns what was written since the last call."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: Any) -> int:
        self._chunks.append(bytes(data))
        return len(self._chunks[-1])

    def flush(self) -> None:
        pass

    close = flush

    def take(self) -> bytes:
        taken, self._chunks = b"".join(self._chunks), []
        return taken


def _refused(error: str) -> Response:
    """The answer to an upload that is not accepted, with status 200."""
    return JSONResponse({"error": error})


def expired(error: Exception) -> Response:
    """The answer for something that does not exist any more."""
    return JSONResponse({"detail": str(error), "gone": True}, 404)
