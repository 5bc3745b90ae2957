"""Visits to the page: the photos that somebody brought, for as long as they stay."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from unblur import photo
from unblur.errors import UnblurError
from unblur.photo import FORMATS, RAW_ENDINGS
from unblur.serve.page import previews
from unblur.serve.queue import Task, Work
from unblur.serve.result import Restoration

IDLE = 3600.0
"""Seconds after which an open page that nobody touches loses its photos."""
LEFT = 120.0
"""Seconds after which a page that was closed does: a phone may come back from another app."""
MOST_PHOTOS = 200
"""Of a visit."""

State = Literal["waiting", "working", "done", "failed"]
How = tuple[str, bool]
"""How a photo is deblurred: by which model, and whether at its best."""


class GoneError(UnblurError):
    """There is no such visit, or not any more."""

    def __init__(self) -> None:
        super().__init__("is no longer here: photos are deleted a while after the page is left")


@dataclass(frozen=True)
class Result:
    """What the network made of a photo; NAME.jpg and tiles in NAME show it, in its folder."""

    how: How
    folder: Path
    name: str
    restoration: Restoration
    unchanged: bool

    def close(self) -> None:
        self.restoration.close()
        (self.folder / f"{self.name}.jpg").unlink(missing_ok=True)
        shutil.rmtree(self.folder / self.name, ignore_errors=True)


@dataclass
class Shot:
    """A photo of a visit, and what became of it.

    Attributes:
        path: the file as it was uploaded, in `folder`, where its views are too.
        how: it is to be deblurred, as was last asked for.
        results: of one model; the last one is shown.
        run: counts the results.
    """

    id: str
    name: str
    folder: Path
    path: Path
    width: int
    height: int
    details: str
    how: How | None = None
    results: list[Result] = field(default_factory=list)
    run: int = 0
    state: State = "waiting"
    task: Task[Any] | None = None
    error: str = ""
    """What is wrong with it, to follow its name."""

    @property
    def result(self) -> Result | None:
        """The one that is shown."""
        return self.results[-1] if self.results else None

    @property
    def result_name(self) -> str:
        """As `unblur deblur` names it: photo.jpg becomes photo-deblurred.jpg."""
        assert self.result is not None
        kind = self.result.restoration.format
        stem, dot, ending = self.name.rpartition(".")
        if not dot or FORMATS.get(f".{ending.lower()}") != kind:
            ending = next(end for end, of in FORMATS.items() if of == kind)[1:]
            stem = stem if dot and len(self.name) - len(stem) <= 6 else self.name
        return f"{stem}-deblurred.{ending}"

    def close(self) -> None:
        while self.results:
            self.results.pop().close()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Visit:
    """One open page. `token` is known to it alone."""

    folder: Path
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    shots: dict[str, Shot] = field(default_factory=dict)
    worker: asyncio.Task[None] | None = None
    """Does what is to be done, while there is anything."""
    listener: object = None
    """Who is told of it."""
    closed: bool = False
    used: float = field(default_factory=time.monotonic)
    left: float | None = None
    version: int = 0

    @property
    def running(self) -> bool:
        return self.worker is not None and not self.worker.done()

    @property
    def over(self) -> bool:
        """Whether nobody waits for its photos."""
        return self.closed or self.left is not None

    def touch(self) -> None:
        self.used, self.left = time.monotonic(), None

    def new_folder(self) -> Path:
        """For a photo that is to come."""
        if self.closed:
            raise GoneError
        folder = self.folder / secrets.token_hex(8)
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def add(self, name: str, folder: Path, path: Path, max_pixels: int | None) -> Shot:
        """Takes a photo that has been uploaded into `folder`.

        Raises:
            PhotoError: if it cannot be read.
        """
        picture = photo.read(path, max_pixels)
        previews.show_before(picture, folder)
        shot = Shot(
            folder.name, name, folder, path, picture.width, picture.height, _details(picture, path)
        )
        if self.closed:
            raise GoneError
        self.shots[shot.id] = shot
        return shot

    def drop(self, shot: Shot, work: Work) -> None:
        """Forgets a photo, and stops what is done with it."""
        self.shots.pop(shot.id, None)
        if shot.task is not None:
            work.drop(shot.task)
        shot.close()

    def close(self, work: Work) -> None:
        self.closed = True
        for shot in list(self.shots.values()):
            self.drop(shot, work)
        shutil.rmtree(self.folder, ignore_errors=True)


class Visits:
    """All of them, in a folder of their own that nothing else uses."""

    def __init__(self, folder: Path, work: Work) -> None:
        self.folder = folder
        self.work = work
        self._by_token: dict[str, Visit] = {}
        self._by_session: dict[str, Visit] = {}
        self._lock = threading.Lock()

    def open(self, session: str) -> Visit:
        visit = Visit(self.folder / secrets.token_hex(8))
        with self._lock:
            before = self._by_session.pop(session, None)
            self._by_token[visit.token] = self._by_session[session] = visit
        if before is not None:
            before.left = time.monotonic()
        return visit

    def find(self, token: str) -> Visit:
        """
        Raises:
            GoneError: if it has ended, or never was.
        """
        visit = self._by_token.get(token)
        if visit is None:
            raise GoneError
        visit.touch()
        return visit

    def leave(self, session: str) -> None:
        """The page was closed, or lost the connection."""
        visit = self._by_session.get(session)
        if visit is not None:
            visit.left = time.monotonic()

    def leave_all(self) -> None:
        """The server stops."""
        for visit in list(self._by_token.values()):
            visit.left = time.monotonic()

    def sweep(self, now: float | None = None) -> None:
        """Ends the visits that are over."""
        now = time.monotonic() if now is None else now
        for visit in list(self._by_token.values()):
            gone = visit.left is not None and now - visit.left > LEFT
            if gone or (not visit.running and now - visit.used > IDLE):
                self._end(visit)

    def close(self) -> None:
        for visit in list(self._by_token.values()):
            self._end(visit)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, visit: Visit) -> None:
        with self._lock:
            self._by_token.pop(visit.token, None)
            for session, other in list(self._by_session.items()):
                if other is visit:
                    del self._by_session[session]
        visit.close(self.work)


def clean_name(name: str) -> str:
    """A name for people to read: no folders, nothing that cannot be seen, not too long."""
    name = name.replace("\\", "/").rpartition("/")[2]
    name = "".join(letter for letter in name if letter.isprintable()).strip(" .")
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:100]}{dot}{ending[:10]}" if dot else name[:100] or "photo"


def upload_name(name: str) -> str:
    """What the file is called on the disk: nothing of the visitor's, but for a raw file's kind."""
    ending = f".{name.rpartition('.')[2].lower()}"
    # Their content alone looks like a TIFF.
    return f"original{ending}" if ending in RAW_ENDINGS else "original"


def _details(picture: photo.Photo, path: Path) -> str:
    """A line about a photo, for people."""
    kind = {"heif": "HEIC", "webp": "WebP"}.get(picture.format, picture.format.upper())
    size = path.stat().st_size
    parts = [
        kind,
        f"{picture.width} \N{MULTIPLICATION SIGN} {picture.height}",
        {"uint16": "16 bit", "float32": "32-bit float"}.get(picture.dtype.name, ""),
        "grey" if picture.channels < 3 else "",
        "transparency" if picture.channels in (2, 4) else "",
        f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(1, size // 1024)} kB",
    ]
    return ", ".join(filter(None, parts))
