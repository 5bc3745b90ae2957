"""Downloads a file into the user's cache, and goes on where an earlier download ended.

It goes on by a request for the rest, on condition that the file is still the same (RFC 9110,
sections 13.1.5 and 14.2). A server that knows no such requests sends all of it again.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import string
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import platformdirs
from rich.filesize import decimal

from unblur import __version__
from unblur.errors import CheckpointError, DownloadError, Hint, ModelError, ResumeError
from unblur.inference.contract import digest_of
from unblur.library.addresses import check_address
from unblur.library.answers import Facts, begins_at, ends_at, facts_of, read_facts, reason_of
from unblur.photo.files import locked

_CHUNK = 2**18
_HEAD = 4096
_GOOD = ("install", "overwrite")
"""Hints of errors after which the file is still wanted."""

Advance = Callable[[int, int | None], None]
"""Told the bytes that there are, and of all, if that is known."""
Say = Callable[[str], None]
"""Told what the user should know."""


@dataclass(frozen=True)
class Wanted:
    """What is to be downloaded.

    Attributes:
        url: from where.
        sha256: of the file, in lower case; "" if it is not known.
        bytes: of the file; None if that is not known.
        refuse: told the first bytes, raises ModelError if they are not of what is wanted.
        timeout: seconds that the server may send nothing.
    """

    url: str
    sha256: str = ""
    bytes: int | None = None
    refuse: Callable[[bytes], None] = lambda head: None
    timeout: float = 30.0


@contextmanager
def downloaded(wanted: Wanted, advance: Advance, say: Say) -> Iterator[Path]:
    """Downloads a file for the time of the block.

    Then it is removed, unless the block is stopped, or fails for a reason that is not the file's.
    Of a download that fails or is stopped, what has come is kept, unless it is wrong.

    Raises:
        DownloadError: if it cannot be had, or its checksum is wrong.
        ModelError: as `wanted.refuse`.
    """
    check_address(wanted.url, bool(wanted.sha256))
    with _held(wanted) as download:
        try:
            download.fetch(advance, say)
        except ModelError:
            download.discard()
            raise
        finally:
            if not download.have():
                download.discard()
        try:
            yield download.part
        except (ModelError, CheckpointError) as error:
            if error.hint is None or error.hint.action not in _GOOD:
                download.discard()
            raise
        download.discard()


def begun(url: str) -> int:
    """Bytes of a URL's file that are in the cache."""
    return _Download(_folder(url), Wanted(url)).have()


class _Changed(Exception):  # noqa: N818 - no error
    """The file is no longer the one that there is a part of."""


class _Download:
    """A file in the cache, whole or in part, which no other process touches."""

    def __init__(self, folder: Path, wanted: Wanted) -> None:
        self._folder, self._wanted = folder, wanted
        self.part, self._facts = folder / "part", folder / "facts.json"

    def have(self) -> int:
        """Bytes that there are."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def fetch(self, advance: Advance, say: Say) -> None:
        """Downloads what is missing, and checks the whole; raises as `downloaded`."""
        try:
            self._attempt(advance, say)
        except _Changed:
            say("what was downloaded before is not of this file; the download begins anew")
            self.part.unlink(missing_ok=True)
            try:
                self._attempt(advance, say)
            except _Changed:
                self.discard()
                raise DownloadError("the server's answers do not fit each other") from None
        if not self.have():
            raise DownloadError("the server sends an empty file")
        sha256 = self._wanted.sha256
        if sha256 and (found := digest_of(self.part)) != sha256:
            self.discard()
            raise DownloadError(f"its SHA-256 is {found}, not {sha256}; nothing of it is kept")

    def discard(self) -> None:
        """Removes all of it."""
        for path in (self.part, self._facts):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()

    def _attempt(self, advance: Advance, say: Say) -> None:
        """One request, and its answer."""
        before, have = read_facts(self._facts), self.have()
        # Without a condition, a checksum tells in the end whether the parts fit.
        if have and not (before.condition or self._wanted.sha256):
            have = 0
        with self._errors(), ExitStack() as stack:
            try:
                response = stack.enter_context(self._ask(have, before.condition))
            except urllib.error.HTTPError as error:
                if error.code != 416 or not have:
                    raise
                error.close()
                if not ends_at(error.headers, have):
                    raise _Changed from None
                return
            have = self._begin(response, before, have, say)
            self._copy(response, have, advance)

    def _ask(self, have: int, condition: str) -> Any:
        headers = {"User-Agent": f"unblur/{__version__}", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        if have and condition:
            headers["If-Range"] = condition
        url = quote(self._wanted.url, safe=string.punctuation)
        # With the proxies of the environment.
        opener = urllib.request.build_opener(_Redirects(bool(self._wanted.sha256)))
        request = urllib.request.Request(url, headers=headers)
        return opener.open(request, timeout=self._wanted.timeout)

    def _begin(self, response: Any, before: Facts, have: int, say: Say) -> int:
        """Readies the part for an answer; returns the bytes that it goes on behind."""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadError("the server sends it compressed, which it was asked not to")
        now, expected = facts_of(self._wanted.url, response), self._wanted.bytes
        if None not in (now.total, expected) and now.total != expected:
            self.discard()
            raise DownloadError(f"another file: it has {now.total:,} bytes, not {expected:,}")
        if response.status == 206 and have:
            if not begins_at(response, have) or not now.is_of(before):
                raise _Changed
            say(f"goes on at {decimal(have)}")
        elif response.status == 200:
            if have:
                say("the server sends all of it again")
            elif now.total and not expected:
                say(f"{decimal(now.total)} to download")
            have = 0
            self.part.unlink(missing_ok=True)
            now.write(self._facts)
        else:
            raise DownloadError(f"the server answers {response.status} {response.reason}")
        free = shutil.disk_usage(self._folder).free
        if now.total is not None and now.total - have > free:
            needs = f"{decimal(now.total - have)} are to come, {decimal(free)} are free"
            raise DownloadError(f"the disk is too full ({needs})", hint=self._hint())
        return have

    def _copy(self, response: Any, have: int, advance: Advance) -> None:
        total = read_facts(self._facts).total or self._wanted.bytes
        advance(have, total)
        head = self.part.read_bytes() if 0 < have < _HEAD else b""
        # Unbuffered: what has come is kept whatever ends the program.
        with self.part.open("ab", buffering=0) as file:
            while data := response.read1(_CHUNK):
                if have < _HEAD:
                    head += data
                    self._wanted.refuse(head[:_HEAD])
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
                have += len(data)
                if total is not None and have > total:
                    raise _Changed
                advance(have, total)
        if total is not None and have < total:
            raise http.client.IncompleteRead(b"", total - have)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns what goes wrong on the way into errors of one line."""
        try:
            yield
        except (http.client.HTTPException, OSError) as error:
            total = read_facts(self._facts).total
            reason = reason_of(error, self.have(), total, self._wanted.timeout)
            raise DownloadError(reason, hint=self._hint()) from None
        except ValueError as error:
            raise DownloadError(f"not an address ({error})") from None

    def _hint(self) -> Hint | None:
        return Hint("go-on") if self.have() else None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections to addresses that may be downloaded from."""

    def __init__(self, checked: bool) -> None:
        self._checked = checked

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        try:
            check_address(newurl, self._checked)
        except DownloadError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _folder(url: str) -> Path:
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("unblur", appauthor=False) / "downloads" / key


@contextmanager
def _held(wanted: Wanted) -> Iterator[_Download]:
    """A URL's place in the cache, locked; raises DownloadError if another process has it."""
    folder = _folder(wanted.url)
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(locked(folder))
            except ResumeError as error:
                if not folder.is_dir():
                    raise DownloadError(error.reason, file=error.file) from None
                raise DownloadError("another unblur downloads it now; wait for it") from None
            if folder.is_dir():
                break
            stack.close()  # as the process that held it removed it
        yield _Download(folder, wanted)
