"""The built site, and web servers of static files for it."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.web.node import run

ISOLATING = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


def build(folder: Path) -> Path:
    """Writes the site into a folder."""
    run("build.js", folder)
    return folder


class Host:
    """A server of a folder's files, on a free port of this machine.

    Args:
        headers: to send with each, as few hosts do.
        port: of a server before.
    """

    def __init__(self, folder: Path, headers: dict[str, str] | None = None, port: int = 0) -> None:
        kinds = {**SimpleHTTPRequestHandler.extensions_map, ".wasm": "application/wasm"}
        kinds |= {".js": "text/javascript"}
        made = {"extensions_map": kinds, "added": headers or {}}
        handler: Any = partial(type("Handler", (_Handler,), made), directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.port = self._server.server_address[1]
        # A secure address, as 127.0.0.1 would be.
        self.url = f"http://localhost:{self.port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Handler(SimpleHTTPRequestHandler):
    added: dict[str, str]

    def end_headers(self) -> None:
        for name, value in self.added.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: Any, **__: Any) -> None:
        pass
