"""Which addresses may be downloaded from."""

from __future__ import annotations

import ipaddress
import re
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit, urlunsplit

from unblur.errors import DownloadError


def is_address(text: str) -> bool:
    """Whether it is a URL, not the path of a file."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def check_address(url: str, checked: bool) -> None:
    """Refuses what could be changed on its way.

    Args:
        checked: whether the file's checksum is known.

    Raises:
        DownloadError: unless it is https, or http with a known checksum or from this machine.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise DownloadError(f"not an address ({error})") from None
    if not host or parts.scheme not in ("https", "http"):
        raise DownloadError("nothing is downloaded but from https://HOST/...")
    if parts.scheme == "http" and not checked and not _is_this_machine(host):
        raise DownloadError(
            "http lets others change the file on its way: use https, or name the file's SHA-256"
        )


def shown(url: str) -> str:
    """A URL without what may be a secret: a user's name, a password, a query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def file_name(url: str) -> str:
    """The last part of a URL's path."""
    return PurePosixPath(unquote(urlsplit(url).path)).name


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
