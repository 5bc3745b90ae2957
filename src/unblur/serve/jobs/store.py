"""Jobs on the disk. A kill at any moment leaves each of them whole, or not there at all.

    FOLDER/ID/job.json   what is asked for, and what became of it
    FOLDER/ID/photo      as it was sent, until the job is finished
    FOLDER/ID/result     there only when it is whole

A job appears and goes by one renaming of its folder; its files are replaced by renaming, too.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

from unblur import photo
from unblur.errors import PhotoError
from unblur.photo.files import atomic
from unblur.serve.disk_space import require_room

log = logging.getLogger("unblur.serve")

_ID = re.compile(r"[0-9a-f]{32}")
_NEW, _GONE = ".new-", ".gone-"


@dataclass(frozen=True)
class Record:
    """What is known of a job. Times are seconds since 1970."""

    id: str
    created: float
    strength: float
    model: str
    format: str | None
    """As asked for; once it is done, the result's."""
    state: Literal["waiting", "done", "failed"] = "waiting"
    finished: float | None = None
    error: str | None = None
    tries: int = 0
    """How often it was begun, without those that ended with an orderly stop."""
    best: bool = False


class Store:
    """A folder of jobs. Its methods raise OSError if the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def photo(self, record: Record) -> Path:
        return self.folder / record.id / "photo"

    def result(self, record: Record) -> Path:
        return self.folder / record.id / "result"

    def create(self, file: BinaryIO, record: Record) -> None:
        """Makes a job, which is on the disk when this returns."""
        require_room(self.folder)
        new = self.folder / f"{_NEW}{record.id}"
        new.mkdir(mode=0o700)
        try:
            with (new / "photo").open("wb") as copy:
                shutil.copyfileobj(file, copy, 2**20)
                copy.flush()
                os.fsync(copy.fileno())
            _write(new, record)
            _sync(new)
            new.rename(self.folder / record.id)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        _sync(self.folder)

    def update(self, record: Record) -> None:
        """Writes down what changed; of a job that is finished, the photo goes."""
        _write(self.folder / record.id, record)
        if record.state != "waiting":
            self.photo(record).unlink(missing_ok=True)

    def remove(self, identity: str) -> None:
        gone = self.folder / f"{_GONE}{identity}-{secrets.token_hex(4)}"
        with suppress(FileNotFoundError):
            (self.folder / identity).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def recover(self) -> Iterator[Record]:
        """The jobs that are there; what a kill left of others is removed."""
        for entry in sorted(self.folder.iterdir()):
            if entry.name.startswith((_NEW, _GONE)):
                shutil.rmtree(entry, ignore_errors=True)
            elif is_id(entry.name) and entry.is_dir():
                try:
                    yield self._recovered(entry)
                except FileNotFoundError:
                    # Without `job.json`: a result that came after its job had been removed.
                    shutil.rmtree(entry, ignore_errors=True)
                except (OSError, ValueError, TypeError, KeyError, PhotoError) as error:
                    log.error("job %s cannot be read, and is left alone: %s", entry.name, error)

    def _recovered(self, folder: Path) -> Record:
        fields = json.loads((folder / "job.json").read_bytes())
        record = Record(**{k: v for k, v in fields.items() if k in Record.__dataclass_fields__})
        if record.id != folder.name:
            raise ValueError("it is another's")
        for stray in folder.glob(".*"):
            stray.unlink(missing_ok=True)
        result = self.result(record)
        if record.state == "waiting" and result.exists():
            # Killed after the result was in its place, and before that was written down.
            kind = photo.read(result, None).format
            record = replace(record, state="done", finished=result.stat().st_mtime, format=kind)
        if record.state != "waiting" and self.photo(record).exists():
            self.update(record)  # which the kill came before, or cut short
        return record


def new_id() -> str:
    """A name that nobody guesses: whoever knows it may have the result."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Whether it may name a job; nothing else of a client's ever becomes part of a path."""
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
