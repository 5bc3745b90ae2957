"""Jobs on the disk. If the process is killed, each job is complete or does not exist.

    FOLDER/ID/job.json   the record
    FOLDER/ID/photo      as it was sent, until the job is finished
    FOLDER/ID/result     complete, if it exists

A job that is viewed has no result, but what one is made of (`viewing.py`), and keeps its photo.
A job is created and removed by renaming its folder, and its files are replaced by renaming.
Photos and results would be files beside an SQLite database too, and need the same steps.
"""

from __future__ import annotations

import filecmp
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypedDict

from unblur import photo
from unblur.errors import PhotoError
from unblur.inference.options import Scale
from unblur.photo.files import atomic
from unblur.serve.disk_space import require_room
from unblur.serve.errors import log
from unblur.serve.jobs import viewing
from unblur.serve.names import stored_name

_ID = re.compile(r"[0-9a-f]{32}")
_NEW, _GONE = ".new-", ".gone-"


class Blur(TypedDict):
    """How blurred a photo is: the sharpness from 0 to 100, and what a page says of it."""

    score: int
    level: Literal["sharp", "soft", "blurred"]
    words: str


@dataclass(frozen=True)
class Record:
    """What is stored of a job. Times are seconds since 1970."""

    id: str
    created: float
    strength: float
    model: str
    format: str | None
    """As asked for; the result's when the job is done."""
    state: Literal["waiting", "done", "failed"] = "waiting"
    finished: float | None = None
    error: str | None = None
    tries: int = 0
    """How often it was begun, without those tries that an orderly stop ended."""
    best: bool = False
    scale: Scale = "auto"
    lost: list[str] = field(default_factory=list)
    """What of the photo's file the result does not have, in a few words each."""
    name: str | None = None
    """The photo's file name, to be shown."""
    view: bool = False
    """Whether it can be viewed, and the result made at any strength."""
    keep: float | None = None
    """Seconds after it was last asked for until it is removed."""
    width: int | None = None
    height: int | None = None
    details: str | None = None
    """The photo's format, size and the like; None, as the two before, until it is read."""
    unchanged: bool | None = None
    """Whether the photo needs no deblurring; None until that is known."""
    scales: str = ""
    """At which scales the network worked, in words."""
    blur: Blur | None = None


class Store:
    """A folder of jobs. Its methods raise OSError if a file cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def home(self, record: Record) -> Path:
        """The folder of a job."""
        return self.folder / record.id

    def photo(self, record: Record) -> Path:
        return self.home(record) / stored_name(record.name)

    def result(self, record: Record) -> Path:
        return self.home(record) / "result"

    def create(
        self, record: Record, fill: Callable[[Path], dict[str, Any]], room: int = 0
    ) -> Record:
        """Writes a job to the disk, and waits until it is there.

        Args:
            fill: writes the files into the folder that it is given, and returns fields of the
                record that are known by them; what it raises leaves nothing behind.
            room: bytes that must be free besides the reserve.

        Returns:
            The record with those fields.
        """
        require_room(self.folder, room)
        new = self.folder / f"{_NEW}{record.id}"
        new.mkdir(mode=0o700)
        try:
            record = replace(record, **fill(new))
            _write(new, record)
            _sync(new)
            new.rename(self.home(record))
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        _sync(self.folder)
        return record

    def update(self, record: Record) -> None:
        """Writes the record; removes the photo of a finished job that is not viewed."""
        _write(self.home(record), record)
        if record.state != "waiting" and not record.view:
            self.photo(record).unlink(missing_ok=True)

    def remove(self, identity: str) -> None:
        gone = self.folder / f"{_GONE}{identity}-{secrets.token_hex(4)}"
        with suppress(FileNotFoundError):
            (self.folder / identity).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def recover(self) -> Iterator[Record]:
        """Yields the jobs; removes what a kill left of incomplete ones."""
        for entry in sorted(self.folder.iterdir()):
            if entry.name.startswith((_NEW, _GONE)):
                shutil.rmtree(entry, ignore_errors=True)
            elif is_id(entry.name) and entry.is_dir():
                try:
                    yield self._recovered(entry)
                except FileNotFoundError:
                    # No `job.json`: the result was written after the job was removed.
                    shutil.rmtree(entry, ignore_errors=True)
                except (OSError, ValueError, TypeError, KeyError, PhotoError) as error:
                    log.error("job %s cannot be read, and is left alone: %s", entry.name, error)

    def _recovered(self, folder: Path) -> Record:
        fields = json.loads((folder / "job.json").read_bytes())
        record = Record(**{k: v for k, v in fields.items() if k in Record.__dataclass_fields__})
        if record.id != folder.name:
            raise ValueError("it is another's")
        for stray in folder.glob(".*"):
            shutil.rmtree(stray) if stray.is_dir() else stray.unlink(missing_ok=True)
        if record.view:
            return self._viewed(record)
        result = self.result(record)
        if record.state == "waiting" and result.exists():
            # Killed between the writing of the result and of the record.
            made, original = photo.read(result, None), self.photo(record)
            known: dict[str, Any] = {"format": made.format}
            if original.exists():
                picture = photo.read(original, None)
                known |= viewing.facts(picture, original)
                known["unchanged"] = filecmp.cmp(original, result, shallow=False)
                if not known["unchanged"]:
                    known["lost"] = list(photo.lost(picture, made.format))
            record = replace(record, state="done", finished=result.stat().st_mtime, **known)
        if record.state != "waiting" and self.photo(record).exists():
            self.update(record)  # the kill prevented it
        return record

    def _viewed(self, record: Record) -> Record:
        """The same for a job that is viewed: what a kill left unfinished is made again."""
        home = self.home(record)
        if record.state == "done" and not viewing.is_complete(home, record.width, record.height):
            record = replace(record, state="waiting", finished=None)
            self.update(record)
        if record.state != "done":
            viewing.clear(home)
        return record


def copied(file: BinaryIO, path: Path) -> None:
    """Copies a file to a new one, and waits until it is on the disk."""
    with path.open("wb") as copy:
        shutil.copyfileobj(file, copy, 2**20)
        copy.flush()
        os.fsync(copy.fileno())


def new_id() -> str:
    """A name that cannot be guessed: it is all that is needed to fetch the result."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Whether it may name a job. No other text of a client becomes part of a path."""
    return _ID.fullmatch(text) is not None


def _write(folder: Path, record: Record) -> None:
    with atomic(folder / "job.json") as file:
        file.write(json.dumps(asdict(record)).encode())


def _sync(folder: Path) -> None:
    if os.name == "nt":
        return  # folders cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
