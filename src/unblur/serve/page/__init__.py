"""The web page: a document, its styles and its scripts, which use the API alone."""

from __future__ import annotations

from importlib import resources
from pathlib import PurePath

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
}
_HOME = resources.files(__name__)
FILES = {
    file.name: _TYPES[PurePath(file.name).suffix]
    for file in _HOME.iterdir()
    if PurePath(file.name).suffix in _TYPES
}
"""What the document loads, with the media types; served as it is."""

router: APIRouter = APIRouter(include_in_schema=False)


@router.get("/")
def page() -> Response:
    return _file("page.html", "text/html")


@router.get("/page/static/{name}")
def static(name: str) -> Response:
    if name not in FILES:
        raise HTTPException(404)
    return _file(name, FILES[name])


def _file(name: str, media_type: str) -> Response:
    data = (_HOME / name).read_bytes()
    # Asked for again at each visit: they are small, and change with the version.
    return Response(data, media_type=media_type, headers={"cache-control": "no-cache"})
