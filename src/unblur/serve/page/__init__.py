"""The web page: a document, its styles and its scripts, which use the API alone."""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

TYPES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "viewer.js": "text/javascript",
    "server.js": "text/javascript",
    "logo.svg": "image/svg+xml",
    "example.jpg": "image/jpeg",
}
"""The page's files, which are served as they are."""

router = APIRouter(include_in_schema=False)


@router.get("/")
def page() -> Response:
    return _file("page.html", "text/html")


@router.get("/page/static/{name}")
def static(name: str) -> Response:
    if name not in TYPES:
        raise HTTPException(404)
    return _file(name, TYPES[name])


def _file(name: str, media_type: str) -> Response:
    data = (resources.files(__name__) / name).read_bytes()
    # Asked for again at each visit: they are small, and change with the version.
    return Response(data, media_type=media_type, headers={"cache-control": "no-cache"})
