"""What the page's script asks for: a visit's photos brought, shown and taken home."""

from __future__ import annotations

import shutil
import uuid
import zipfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.background import BackgroundTask

from unblur.errors import UnblurError
from unblur.serve.disk_space import require_room
from unblur.serve.page.running import described, reason
from unblur.serve.page.sessions import (
    MOST_PHOTOS,
    GoneError,
    Shot,
    Visit,
    Visits,
    clean_name,
    upload_name,
)

STATIC = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "viewer.js": "text/javascript",
    "logo.svg": "image/svg+xml",
    "example.jpg": "image/jpeg",
}
ROOM = 2**29
"""Bytes that have to be free on the disk for another photo and its result."""
_KEPT = {"Cache-Control": "private, max-age=3600, immutable"}
_CHUNK = 2**20


def router(visits: Visits, max_bytes: int) -> APIRouter:
    """The routes below /page; a visit's token, which nobody can guess, is part of each.

    They raise GoneError, for which the app answers `gone`.
    """
    routes = APIRouter(prefix="/page", include_in_schema=False)
    # Decoding takes memory, and the processor from the network.
    few = anyio.CapacityLimiter(2)

    def find(token: str, id_: str) -> tuple[Visit, Shot]:
        visit = visits.find(token)
        if id_ not in visit.shots:
            raise GoneError
        return visit, visit.shots[id_]

    @routes.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in STATIC:
            return JSONResponse({"detail": "is not there"}, 404)
        data = (resources.files("unblur.serve.page") / name).read_bytes()
        return Response(data, media_type=STATIC[name], headers={"Cache-Control": "no-cache"})

    @routes.get("/{token}")
    def stay(token: str) -> Response:
        try:
            visits.find(token)
        except GoneError:
            return JSONResponse({"gone": True})
        return JSONResponse({"gone": False})

    @routes.post("/{token}/photos")
    async def bring(token: str, request: Request, name: str = "photo") -> Response:
        visit = visits.find(token)
        if len(visit.shots) >= MOST_PHOTOS:
            return _refused(f"is one too many: {MOST_PHOTOS} are taken at a time")
        try:
            require_room(visits.folder, ROOM)
            folder = visit.new_folder()
        except OSError:
            return _refused("cannot be taken now: the server has no room left. Try again later")
        path = folder / upload_name(name)
        try:
            if not await _receive(request, path, max_bytes):
                shutil.rmtree(folder, ignore_errors=True)
                return _refused(f"is larger than {max_bytes // 2**20} MB, the most taken here")
            add = (clean_name(name), folder, path, visits.work.max_pixels)
            shot = await anyio.to_thread.run_sync(visit.add, *add, limiter=few)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, UnblurError) and not isinstance(error, GoneError):
                return _refused(reason(error))
            if isinstance(error, MemoryError):
                return _refused("needs more memory than there is")
            raise
        return JSONResponse(described(visit, shot, visits.work))

    @routes.delete("/{token}/photos/{id_}")
    def forget(token: str, id_: str) -> Response:
        visit, shot = find(token, id_)
        visit.drop(shot, visits.work)
        return Response(status_code=204)

    @routes.get("/{token}/photos/{id_}/result")
    def result(
        token: str, id_: str, strength: float = Query(1.0, ge=0, le=1, allow_inf_nan=False)
    ) -> Response:
        _, shot = find(token, id_)
        try:
            out = _save(shot, strength)
        except UnblurError as error:
            return gone(error)
        kind = "application/octet-stream"
        done = BackgroundTask(out.unlink, missing_ok=True)
        return FileResponse(out, media_type=kind, filename=shot.result_name, background=done)

    @routes.get("/{token}/all.zip")
    def many_results(
        token: str,
        photos: str,
        strength: float = Query(1.0, ge=0, le=1, allow_inf_nan=False),
    ) -> Response:
        visit = visits.find(token)
        shots = [visit.shots[id_] for id_ in dict.fromkeys(photos.split(",")) if id_ in visit.shots]
        headers = {"Content-Disposition": 'attachment; filename="unblur.zip"'}
        return StreamingResponse(
            _zip(shots, strength), media_type="application/zip", headers=headers
        )

    @routes.get("/{token}/photos/{id_}/{view}.jpg")
    def whole(token: str, id_: str, view: str) -> Response:
        return shown(token, id_, f"{view}.jpg")

    @routes.get("/{token}/photos/{id_}/{view}/{x}_{y}.jpg")
    def tile(token: str, id_: str, view: str, x: int, y: int) -> Response:
        return shown(token, id_, f"{view}/{x}_{y}.jpg")

    def shown(token: str, id_: str, name: str) -> Response:
        _, shot = find(token, id_)
        view = name.removesuffix(".jpg").partition("/")[0]
        path = shot.folder / name
        own = view in ("thumb", "before", shot.result and shot.result.name)
        if not own or not path.is_file():
            raise GoneError
        return FileResponse(path, media_type="image/jpeg", headers=_KEPT)

    return routes


async def _receive(request: Request, path: Path, most: int) -> bool:
    """Writes the body to a file; whether it was no longer than it may be."""
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


def _save(shot: Shot, strength: float) -> Path:
    """The result's file, for whoever asked to delete.

    Raises:
        UnblurError: if it is not there yet, or not any more.
    """
    if shot.result is None:
        raise GoneError
    out = shot.folder / f"result-{uuid.uuid4().hex}"
    try:
        shot.result.cached.save(out, strength)
    except (ValueError, OSError, AttributeError):  # closed meanwhile
        raise GoneError from None
    return out


def _zip(shots: list[Shot], strength: float) -> Iterator[bytes]:
    """A zip of all results, made as it is sent; what is compressed already is only stored."""
    names: set[str] = set()
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for shot in shots:
            try:
                out = _save(shot, strength)
            except UnblurError:
                continue  # removed meanwhile
            try:
                info = zipfile.ZipInfo.from_file(out, _unused(shot.result_name, names))
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
    """A file that is only written to, from which what was written is taken."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def close(self) -> None:
        pass

    def write(self, data: Any) -> int:
        self._chunks.append(bytes(data))
        return len(self._chunks[-1])

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken, self._chunks = b"".join(self._chunks), []
        return taken


def _refused(error: str) -> Response:
    """Not an error of HTTP's: what was asked was whether this is a photo."""
    return JSONResponse({"error": error})


def gone(error: Exception) -> Response:
    """The answer where something is not there any more."""
    return JSONResponse({"detail": str(error), "gone": True}, 404)
