"""Errors of file stores, whose libraries each raise their own, as one line each."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from unblur.errors import UnblurError

_UNREACHABLE = (ConnectionError, TimeoutError, socket.gaierror)
_NAMED_UNREACHABLE = ("Connect", "Timeout", "ServerDisconnected", "HTTPClient")
_LONGEST = 200


@contextmanager
def in_one_line(name: str = "") -> Iterator[None]:
    """Turns any error of a file store's library into an UnblurError.

    Args:
        name: what the error is about, said before it, unless the caller names it.
    """
    try:
        yield
    except UnblurError:
        raise
    except Exception as error:  # noqa: BLE001 (each store's library has errors of its own)
        before = f"{name}: " if name else ""
        raise UnblurError(before + reason(error)) from None


def reason(error: Exception) -> str:
    """What is wrong and what may help, to be read behind a name."""
    kind, words = type(error).__name__, _words(error)
    if isinstance(error, FileNotFoundError):
        return "does not exist" + (f" ({words})" if "bucket" in words.lower() else "")
    if "Credential" in kind or "Unable to locate credentials" in words:
        return (
            f"needs credentials ({words}); set them as the store's own tools take them "
            "(for s3:// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
        )
    if isinstance(error, PermissionError):
        return f"access is denied ({words}); check the credentials and their rights"
    if isinstance(error, _UNREACHABLE) or any(part in kind for part in _NAMED_UNREACHABLE):
        return (
            f"cannot be reached ({words}); check the network and the store's address "
            "(for s3:// AWS_ENDPOINT_URL)"
        )
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    return f"cannot be read or written ({words})"


def _words(error: Exception) -> str:
    """The error's own words, as part of a line."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = " ".join(said.split()).rstrip(".") or type(error).__name__
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
