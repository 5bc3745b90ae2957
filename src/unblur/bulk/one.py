"""The one path of a photo: out of a store, through `unblur deblur`'s own path, into another."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from unblur import photo
from unblur.batch.plan import Job
from unblur.batch.runner import Options, deblur_one, input_errors
from unblur.bulk.gate import Gate
from unblur.bulk.how import How
from unblur.bulk.listing import Found
from unblur.bulk.records import Record, State
from unblur.bulk.store import Store, store_of
from unblur.errors import UnblurError
from unblur.inference.deblur_file import result_name
from unblur.inference.deblurrer import Deblurrer
from unblur.photo.files import scratch_folder

_KILLED = "was set aside, as two worker processes died with it"


@dataclass(frozen=True)
class One:
    """Deblurs photos from stores into a store; threads may share it.

    Attributes:
        settings, run, worker: as of `Record`.
        pixels: holds the pixels that are worked on at once.
    """

    deblurrer: Deblurrer
    how: How
    target: Store
    settings: str
    run: str
    worker: str
    pixels: Gate

    def __call__(self, found: Found) -> Record:
        """Deblurs a photo; a failure is a record too. Raises nothing that its file causes."""
        began = time.perf_counter()
        try:
            if found.reason:
                raise UnblurError(found.reason)
            with input_errors(), scratch_folder() as folder:
                said = self._deblur(found, folder)
        except UnblurError as error:
            said = {"state": "failed", "reason": self._words(error)}
        except Exception as error:  # noqa: BLE001 (one photo of millions must not end the run)
            words = " ".join(str(error).split())[:200]
            reason = f"cannot be deblurred ({type(error).__name__}: {words})"
            said = {"state": "failed", "reason": reason}
        return self._record(found, seconds=round(time.perf_counter() - began, 3), **said)

    def killed(self, found: Found) -> Record:
        """The record of a photo with which two workers died."""
        return self._record(found, state="killed", reason=_KILLED)

    def _deblur(self, found: Found, folder: Path) -> dict[str, object]:
        store, place = store_of(found.url)
        name = os.path.basename(found.place)  # noqa: PTH119 (a place is no path)
        path = folder / "photo" / name
        path.parent.mkdir()
        version = store.fetch(place, path, found.version or None)
        out = folder / "result" / result_name(path)
        out.parent.mkdir()
        result = found.place.removesuffix(name) + out.name
        if out.name != name:
            _check_siblings(store, place, out.name)
        options = Options(self.how.strength, max_pixels=self.how.max_pixels)
        picture = photo.read(path, self.how.max_pixels)
        size = {"width": picture.width, "height": picture.height}
        with self.pixels.holding(picture.width * picture.height):
            del picture
            outcome = deblur_one(self.deblurrer, options, Job(str(path), str(out)))
        before = path.stat()
        os.utime(out, ns=(before.st_atime_ns, before.st_mtime_ns))
        with out.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        sizes = {"bytes_in": before.st_size, "bytes_out": out.stat().st_size}
        self.target.put(out, result)
        said = {"state": outcome.status, "version": version, "notes": outcome.notes}
        return {**said, **size, **sizes, "sha256": digest, "result": self.target.at(result)}

    def _record(self, found: Found, **said: object) -> Record:
        state: State = said.pop("state")  # pyright: ignore[reportAssignmentType]
        version = said.pop("version", found.version)
        own = {"settings": self.settings, "run": self.run, "worker": self.worker}
        now = datetime.now(UTC)
        fixed = {"place": found.place, "source": found.url, "state": state, "version": version}
        return Record(**fixed, **own, finished=now, **said)  # pyright: ignore[reportArgumentType]

    def _words(self, error: UnblurError) -> str:
        # The names of scratch files mean nothing to the user.
        error.file = None
        return error.message(self.how.words)


def _check_siblings(store: Store, place: str, result: str) -> None:
    """Raises UnblurError if another photo of the folder has the same result, and comes first."""
    folder = place[: place.rfind("/") + 1]
    mine = (True, place)
    for other in store.siblings(place):
        name = other.removeprefix(folder)
        named = os.path.splitext(name)[1].lower() in photo.READABLE  # noqa: PTH122
        # Those whose result has their own name come before those whose result is renamed.
        if named and result_name(name) == result and (name != result, other) < mine:
            reason = f"would be written to {result}, as {name} will be"
            raise UnblurError(f"{reason}; deblur it by itself, into another folder")
