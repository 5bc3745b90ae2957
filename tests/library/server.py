"""A server on loopback that gives one file out, well or badly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What is given out, and how; changed between requests.

    Attributes:
        data: the file.
        etag, modified: its validators; "" for none.
        ranges: whether parts are given out.
        conditions: whether If-Range is heeded.
        cut: bytes after which an answer breaks off.
        stalls: whether it does so by silence, until the server ends.
        status: of an answer without the file.
        to: where it is redirected.
        length: what Content-Length says instead of the truth; 0 leaves it out.
        asked: headers of the requests.
    """

    data: bytes = b""
    etag: str = '"one"'
    modified: str = ""
    ranges: bool = True
    conditions: bool = True
    cut: int | None = None
    stalls: bool = False
    status: int = 200
    to: str = ""
    length: int | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def matches(self, condition: str) -> bool:
        return not self.conditions or condition in (self.etag, self.modified)


@contextmanager
def serving(served: Served, name: str = "net.onnx") -> Iterator[Served]:
    """Serves for the time of the block; `url` is the file's."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(dict(self.headers))
            _answer(self, served)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/{name}"
    try:
        yield served
    finally:
        served.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
    data, start, status = served.data, 0, served.status
    asked = handler.headers.get("Range")
    condition = handler.headers.get("If-Range")
    if asked and served.ranges and (condition is None or served.matches(condition)):
        start, status = int(asked.removeprefix("bytes=").rstrip("-")), 206
    if start >= len(data) > 0:
        handler.send_response(416)
        handler.send_header("Content-Range", f"bytes */{len(data)}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    handler.send_response(status)
    if served.to:
        handler.send_header("Location", served.to)
    if status == 206:
        handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
    for header, value in (("ETag", served.etag), ("Last-Modified", served.modified)):
        if value:
            handler.send_header(header, value)
    rest = data[start:]
    if served.length != 0:
        handler.send_header("Content-Length", str(served.length or len(rest)))
    handler.end_headers()
    handler.wfile.write(rest if served.cut is None else data[start : served.cut])
    handler.wfile.flush()
    if served.stalls:
        served.over.wait()
