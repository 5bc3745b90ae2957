"""Sessions of the page: the photos that were uploaded, while the page is open."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from anyio import CapacityLimiter

from unblur import photo
from unblur.errors import ExpiredError
from unblur.inference.options import Scale
from unblur.photo import FORMATS, RAW_ENDINGS
from unblur.serve.page import previews
from unblur.serve.queue import PhotoQueue, Task
from unblur.serve.result import CachedResult

IDLE = 3600.0
"""Seconds without a request after which an open page's photos are deleted."""
LEFT = 120.0
"""Seconds after which a closed page's photos are: a phone may return from another app."""
MAX_PHOTOS = 200
"""Of a session."""


class Variant(NamedTuple):
    """How a photo is deblurred."""

    model: str
    best: bool
    scale: Scale = "auto"


@dataclass(frozen=True)
class Result:
    """A deblurred photo. In its folder, NAME.jpg shows it, and tiles in NAME its details."""

    variant: Variant
    folder: Path
    name: str
    cached: CachedResult
    unchanged: bool

    @property
    def lost(self) -> tuple[str, ...]:
        """What of the photo's file it does not have; a copy has all."""
        return () if self.unchanged and not self.cached.converted else self.cached.lost

    def close(self) -> None:
        self.cached.close()
        (self.folder / f"{self.name}.jpg").unlink(missing_ok=True)
        shutil.rmtree(self.folder / self.name, ignore_errors=True)


@dataclass(frozen=True)
class Measured:
    """How blurred a photo is: the sharpness from 0 to 100, and what the page makes of it."""

    score: int
    level: Literal["sharp", "soft", "blurred"]
    words: str


@dataclass
class Upload:
    """A photo of a session, and its results.

    Attributes:
        path: the file as it was uploaded, in `folder`, where its previews are too.
        details: its format, size and the like, to be shown.
        variant: the one that was last asked for.
        results: of one model and one scale, with and without `best`; the last one is shown.
        run: counts the results.
        measuring: the task that sets `measured`, until it is done.
        error: what is wrong with it, to follow its name.
    """

    id: str
    name: str
    folder: Path
    path: Path
    width: int
    height: int
    details: str
    variant: Variant | None = None
    results: list[Result] = field(default_factory=list)
    run: int = 0
    state: Literal["waiting", "working", "done", "failed"] = "waiting"
    task: Task[Any] | None = None
    measuring: Task[Measured] | None = None
    measured: Measured | None = None
    error: str = ""

    @property
    def result(self) -> Result | None:
        """The result that is shown."""
        return self.results[-1] if self.results else None

    @property
    def result_name(self) -> str:
        """The name that `unblur deblur` gives it: photo-deblurred.jpg for photo.jpg."""
        assert self.result is not None
        kind = self.result.cached.format
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
class Session:
    """An open page.

    Attributes:
        token: a secret, known to this page alone.
        worker: deblurs the photos, while there are any to deblur.
        listener: identifies the last stream of progress; earlier ones end.
        used, left: when the page was last heard of, and when it was closed (monotonic).
        version: counts the states that were sent.
    """

    folder: Path
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    uploads: dict[str, Upload] = field(default_factory=dict)
    worker: asyncio.Task[None] | None = None
    listener: object = None
    closed: bool = False
    used: float = field(default_factory=time.monotonic)
    left: float | None = None
    version: int = 0

    @property
    def running(self) -> bool:
        return self.worker is not None and not self.worker.done()

    @property
    def over(self) -> bool:
        """Whether the page was closed."""
        return self.closed or self.left is not None

    def new_folder(self) -> Path:
        """Makes the folder of a further photo."""
        if self.closed:
            raise ExpiredError
        folder = self.folder / secrets.token_hex(8)
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def add(self, name: str, folder: Path, path: Path, max_pixels: int | None) -> Upload:
        """Adds a photo that was uploaded into `folder`.

        Raises:
            PhotoError: if it cannot be read.
            ExpiredError: if the session was closed meanwhile.
        """
        picture = photo.read(path, max_pixels)
        previews.show_before(picture, folder)
        upload = Upload(
            folder.name, name, folder, path, picture.width, picture.height, _details(picture, path)
        )
        if self.closed:
            raise ExpiredError
        self.uploads[upload.id] = upload
        return upload

    def remove(self, upload: Upload, queue: PhotoQueue) -> None:
        """Cancels a photo's tasks and deletes its files."""
        self.uploads.pop(upload.id, None)
        for task in (upload.task, upload.measuring):
            if task is not None:
                queue.cancel(task)
        upload.close()

    def close(self, queue: PhotoQueue) -> None:
        """Removes all photos."""
        self.closed = True
        for upload in list(self.uploads.values()):
            self.remove(upload, queue)
        shutil.rmtree(self.folder, ignore_errors=True)


class Sessions:
    """All sessions. Their photos are in `folder`, which nothing else uses."""

    def __init__(self, folder: Path, queue: PhotoQueue) -> None:
        self.folder, self.queue = folder, queue
        # Decoding takes memory and CPU time.
        self.decoders = CapacityLimiter(2)
        self._by_token: dict[str, Session] = {}
        self._by_connection: dict[str, Session] = {}
        self._lock = threading.Lock()

    def open(self, connection: str) -> Session:
        """Starts a session of Gradio's connection, and leaves an earlier one of it."""
        session = Session(self.folder / secrets.token_hex(8))
        with self._lock:
            before = self._by_connection.pop(connection, None)
            self._by_token[session.token] = self._by_connection[connection] = session
        if before is not None:
            before.left = time.monotonic()
        return session

    def find(self, token: str) -> Session:
        """Returns a session, which counts as used; raises ExpiredError if there is none."""
        session = self._by_token.get(token)
        if session is None:
            raise ExpiredError
        session.used, session.left = time.monotonic(), None
        return session

    def leave(self, connection: str) -> None:
        """Notes that the page was closed, or lost its connection."""
        session = self._by_connection.get(connection)
        if session is not None:
            session.left = time.monotonic()

    def leave_all(self) -> None:
        """Notes that the server is stopping."""
        for session in list(self._by_token.values()):
            session.left = time.monotonic()

    def sweep(self, now: float | None = None) -> None:
        """Ends expired sessions."""
        now = time.monotonic() if now is None else now
        for session in list(self._by_token.values()):
            left = session.left is not None and now - session.left > LEFT
            if left or (not session.running and now - session.used > IDLE):
                self._end(session)

    def close(self) -> None:
        """Ends all sessions."""
        for session in list(self._by_token.values()):
            self._end(session)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, session: Session) -> None:
        with self._lock:
            self._by_token.pop(session.token, None)
            self._by_connection = {c: s for c, s in self._by_connection.items() if s is not session}
        session.close(self.queue)


def clean_name(name: str) -> str:
    """A file's name to be shown: without folders and unprintable characters, and not too long."""
    name = name.replace("\\", "/").rpartition("/")[2]
    name = "".join(letter for letter in name if letter.isprintable()).strip(" .")
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:100]}{dot}{ending[:10]}" if dot else name[:100] or "photo"


def upload_name(name: str) -> str:
    """The file's name on the disk: nothing of the client's name but a raw file's extension."""
    ending = f".{name.rpartition('.')[2].lower()}"
    # By their content, raw files look like TIFFs.
    return f"original{ending}" if ending in RAW_ENDINGS else "original"


def _details(picture: photo.Photo, path: Path) -> str:
    """A line about a photo, to be shown."""
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
