"""What a server's answer says of a file: its version, its size, which part comes, or why not."""

from __future__ import annotations

import errno
import http.client
import json
import urllib.error
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.filesize import decimal


@dataclass(frozen=True)
class Facts:
    """What a server said of a file.

    Attributes:
        url: for which it was asked.
        etag, modified: the headers ETag and Last-Modified, which change with the file.
        total: bytes of the whole file, if that was said.
    """

    url: str = ""
    etag: str = ""
    modified: str = ""
    total: int | None = None

    @property
    def condition(self) -> str:
        """The value of If-Range, which no weak ETag may be; "" if there is none."""
        return self.modified if self.etag.startswith("W/") or not self.etag else self.etag

    def is_of(self, other: Facts) -> bool:
        """Whether what two answers say can be of one file."""
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return all(one == another for one, another in pairs if one and another)

    def write(self, path: Path) -> None:
        """Writes what `read_facts` reads."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def read_facts(path: Path) -> Facts:
    """What was written; nothing where that cannot be read."""
    try:
        return Facts(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Facts()


def facts_of(url: str, response: Any) -> Facts:
    """What an answer says."""
    headers = response.headers
    total = headers.get("Content-Length", "")
    if response.status == 206:
        total = headers.get("Content-Range", "").rpartition("/")[2]
    size = int(total) if total.isascii() and total.isdecimal() else None
    return Facts(url, headers.get("ETag", ""), headers.get("Last-Modified", ""), size)


def begins_at(response: Any, byte: int) -> bool:
    """Whether an answer with a part of a file has that which begins at a byte."""
    start = response.headers.get("Content-Range", "").partition("-")[0]
    return start.split() == ["bytes", str(byte)]


def ends_at(headers: Any, byte: int) -> bool:
    """Whether an answer that there is no such part says that the file has so many bytes."""
    return headers.get("Content-Range", "").split() == ["bytes", f"*/{byte}"]


def reason_of(error: Exception, have: int, total: int | None, timeout: float) -> str:
    """Why a download ended, in one line.

    Args:
        have, total: bytes that have come, and of all.
        timeout: seconds that the server was given.
    """
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        if 300 <= error.code < 400:
            return "the server redirects without an end, or to no web address"
        return f"the server answers {error.code} {error.reason}".rstrip()
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"the server sent nothing for {timeout:g} s"
    if isinstance(error, urllib.error.URLError):
        return f"the server cannot be reached ({getattr(cause, 'strerror', None) or cause})"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full, after {decimal(have)}"
    if isinstance(error, (http.client.IncompleteRead, ConnectionError)):
        of = f" of {decimal(total)}" if total else ""
        return f"the server broke off after {decimal(have)}{of}"
    return f"the download failed ({str(error).strip() or type(error).__name__})"
