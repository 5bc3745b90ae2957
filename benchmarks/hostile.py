"""Hostile and broken clients, for the load of `serve`.

Each takes the server's port and a good photo, and returns one line on what the server did wrong, or
None.
"""

from __future__ import annotations

import json
import socket
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import suppress

LIMIT = 2**27
"""Largest request body in bytes, the server's default."""
SLOW_SECONDS = 30.0

Attack = Callable[[int, bytes], str | None]


def bomb(port: int, _: bytes) -> str | None:
    """A decompression bomb: a few kB that decode to 3.6 GB of pixels."""
    return _expect(port, png(60000, 60000), 413)


def truncated(port: int, photo: bytes) -> str | None:
    return _expect(port, photo[: len(photo) // 2], 422)


def wrong_type(port: int, _: bytes) -> str | None:
    return _expect(port, b"#!/bin/sh\nexit\n" * 1000, 415, "Content-Type: image/jpeg")


def broken_form(port: int, photo: bytes) -> str | None:
    return _expect(port, photo, 400, "Content-Type: multipart/form-data; boundary=none")


def endless(port: int, _: bytes) -> str | None:
    """A chunked body without an end, sent at full speed."""
    chunk = b"10000\r\n" + bytes(2**16) + b"\r\n"
    with _connect(port) as connection:
        connection.sendall(_head(port, "Transfer-Encoding: chunked"))
        sent = 0
        # A refused body is not read any more, or the connection is closed.
        connection.settimeout(30)
        with suppress(OSError):
            while sent < 2 * LIMIT:
                connection.sendall(chunk)
                sent += 2**16
        return None if sent < 2 * LIMIT else "an endless body was not cut off"


def slow(port: int, _: bytes) -> str | None:
    """A body sent a byte at a time, slowly."""
    with _connect(port) as connection:
        connection.sendall(_head(port, "Content-Length: 100000"))
        end = time.monotonic() + SLOW_SECONDS
        with suppress(OSError):
            while time.monotonic() < end:
                connection.sendall(b"x")
                time.sleep(0.5)
    return None


def stalled(port: int, photo: bytes) -> str | None:
    """Half of a photo, then nothing."""
    with _connect(port) as connection:
        connection.sendall(_head(port, f"Content-Length: {len(photo)}") + photo[: len(photo) // 2])
        connection.settimeout(60)
        status = _status(connection)
        return None if status == 408 else f"a stalled body got {status}, not 408"


def leaver(port: int, photo: bytes) -> str | None:
    """A whole request; the client leaves without the answer."""
    with _connect(port) as connection:
        connection.sendall(_head(port, f"Content-Length: {len(photo)}") + photo)
    return None


def stranger(port: int, photo: bytes) -> str | None:
    """A request from another site's page."""
    return _expect(port, photo, 403, "Origin: https://evil.example")


def no_http(port: int, _: bytes) -> str | None:
    with _connect(port) as connection:
        connection.sendall(bytes(range(256)) * 8 + b"\r\n\r\n")
        status = _status(connection)
        return None if status in (0, 400) else f"what is not HTTP got {status}, not 400"


ATTACKS: tuple[Attack, ...] = (
    bomb, truncated, wrong_type, broken_form, endless, slow, stalled, leaver, stranger, no_http,
)  # fmt: skip


def png(width: int, height: int) -> bytes:
    """A black 1-bit PNG, as small as possible."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=120)


def _head(port: int, *lines: str) -> bytes:
    own = (f"Host: localhost:{port}", "Connection: close", *lines)
    return "\r\n".join(("POST /v1/deblur HTTP/1.1", *own, "", "")).encode()


def _expect(port: int, body: bytes, status: int, *lines: str) -> str | None:
    with _connect(port) as connection:
        connection.sendall(_head(port, f"Content-Length: {len(body)}", *lines))
        with suppress(OSError):  # refused by its header
            connection.sendall(body)
        received = b""
        with suppress(OSError):
            while data := connection.recv(2**16):
                received += data
    got = int(received[9:12] or 0)
    if got == 429:
        return None
    if got != status:
        return f"{status} was expected, not {received[:200]!r}"
    detail = json.loads(received.partition(b"\r\n\r\n")[2])["detail"]
    return None if isinstance(detail, str) and "\n" not in detail else f"no line: {detail}"


def _status(connection: socket.socket) -> int:
    with suppress(OSError):
        return int(connection.recv(12)[9:12] or 0)
    return 0
