"""Adds a model: a file, or one that is downloaded, is checked, tried out, and put on the shelf."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.filesize import decimal

from unblur.errors import ModelError, UnblurError
from unblur.inference import catalogue, onnx_data
from unblur.inference.added import FACTS, Added, StoredFile
from unblur.inference.contract import digest_of
from unblur.inference.suffixes import ONNX
from unblur.library.addresses import file_name, is_address, shown
from unblur.library.content import HEAD, kind_of, refuse_by_head, refuse_by_name
from unblur.library.download import Advance, Say, Wanted, downloaded
from unblur.library.shelf import check_name, put, staging
from unblur.library.trial import Tried, try_out
from unblur.photo.files import open_file, write_errors


@dataclass(frozen=True)
class Source:
    """What is to be added.

    Attributes:
        what: a name of the catalogue, a URL, or the path of a file.
        url: from which it is downloaded; "" for a file.
        named: the file's name, which tells how the model is called and what it may be.
        bytes, sha256: of the file, where they are known.
        licence: as given by the catalogue.
    """

    what: str
    url: str
    named: str
    bytes: int | None = None
    sha256: str = ""
    licence: str = ""

    @property
    def name(self) -> str:
        """What the model is called if it is given no other name."""
        return Path(self.named).stem


def source_of(what: str) -> Source:
    """Tells a name of the catalogue from a URL and from the path of a file."""
    entry = catalogue.entries().get(what)
    if entry:
        facts = entry.bytes, entry.sha256, entry.licence
        return Source(what, entry.url, entry.name + Path(entry.url).suffix, *facts)
    if is_address(what):
        return Source(what, what, file_name(what))
    return Source(what, "", Path(what).name)


def add(
    source: Source,
    name: str = "",
    *,
    sha256: str = "",
    licence: str = "",
    trust: bool = False,
    overwrite: bool = False,
    advance: Advance = lambda done, total: None,
    say: Say = lambda line: None,
    timeout: float = Wanted.timeout,
) -> tuple[Added, Tried]:
    """Adds a model to the user's; it is there whole, or not at all.

    Args:
        source: as `source_of` tells it.
        name: what to call it; by default as its file.
        sha256: of its file, which is checked.
        licence: of the file, to be shown.
        trust: whether it may be a pickle.
        overwrite: whether a model of this name is replaced.
        advance: told the progress of a download.
        say: told what goes on.
        timeout: seconds that a server may send nothing.

    Raises:
        DownloadError: if it cannot be downloaded.
        ModelError, CheckpointError: if it is no network that restores photos, is a pickle that is
            not trusted, is not what its checksum says, or the name is taken.
        UnblurError: if it cannot be written.
    """
    name = name or source.name
    check_name(name, overwrite)
    refuse_by_name(source.url or source.named, trust)
    sha256 = (sha256 or source.sha256).lower()
    if source.url:
        refuse = partial(refuse_by_head, trust=trust)
        wanted = Wanted(source.url, sha256, source.bytes, refuse, timeout)
        if source.bytes:
            say(f"{name}: {decimal(source.bytes)} from {source.url}")
        fetched = downloaded(wanted, advance, say)
    else:
        fetched = _local(Path(source.what), sha256)
    with fetched as file, staging() as scratch, write_errors(scratch.parent, UnblurError):
        folder = scratch / name
        folder.mkdir()
        path, data = _copied(file, folder, source, trust)
        say(f"{path.name}: trying it out")
        with _unstaged():
            tried = try_out(path, trust)
        facts = _facts(path, source, tried, data, licence)
        (folder / FACTS).write_text(facts.to_json(), encoding="utf-8")
        put(folder, name, overwrite)
    return facts, tried


def _facts(
    path: Path, source: Source, tried: Tried, data: tuple[StoredFile, ...], licence: str
) -> Added:
    digest = digest_of(path)
    entry = catalogue.by_digest(digest)
    return Added(
        name=path.parent.name,
        file=path.name,
        source=shown(source.url) if source.url else str(Path(source.what).absolute()),
        sha256=digest,
        bytes=path.stat().st_size,
        licence=licence or source.licence or (entry.licence if entry else ""),
        parameters=tried.parameters,
        gmac=tried.gmac,
        added=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        data=data,
    )


@contextmanager
def _local(path: Path, sha256: str) -> Iterator[Path]:
    """A file of the user's, checked."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ModelError("not a file, but a device or a pipe")
    with open_file(path, ModelError):
        pass
    if sha256 and (found := digest_of(path)) != sha256:
        raise ModelError(f"its SHA-256 is {found}, not {sha256}")
    yield path


def _copied(
    file: Path, folder: Path, source: Source, trust: bool
) -> tuple[Path, tuple[StoredFile, ...]]:
    """Copies a network's file and its data into the folder that is named as it will be."""
    with file.open("rb") as opened:
        refuse_by_head(opened.read(HEAD), trust)
    path = folder / (folder.name + kind_of(file, source.named))
    if source.url:
        # A download goes away afterwards, and may be linked.
        with suppress(OSError):
            os.link(file, path)
    if not path.exists():
        shutil.copyfile(file, path)
    return path, _copy_data(path, None if source.url else file.parent)


def _copy_data(path: Path, home: Path | None) -> tuple[StoredFile, ...]:
    """Copies the files that an ONNX file keeps weights in beside it.

    Args:
        path: the copy of the ONNX file.
        home: the folder that they are in; None if there is none, as of a URL.
    """
    if path.suffix != ONNX:
        return ()
    stored = []
    for place in sorted(onnx_data.locations(path)):
        if home is None:
            raise ModelError(
                f"it keeps its weights in another file, {place}, which is not downloaded with it: "
                "download both into one folder, and add the ONNX file from there"
            )
        if not (home / place).is_file():
            raise ModelError(f"it keeps its weights in {place}, which is not beside it")
        copy = path.parent / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        if copy.exists() or place == FACTS:
            raise ModelError(f"it keeps its weights in {place}, which is another file's name here")
        shutil.copyfile(home / place, copy)
        stored.append(StoredFile(place, copy.stat().st_size, digest_of(copy)))
    return tuple(stored)


@contextmanager
def _unstaged() -> Iterator[None]:
    """Errors are about what was added, not about its copy."""
    try:
        yield
    except UnblurError as error:
        raise type(error)(error.reason, hint=error.hint, limit=error.limit) from None
