"""Every limit and choice of the server. `unblur serve` and docs/serve.md are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from unblur.inference.options import MAX_PIXELS, MODEL, TILE, TRUST, option


@dataclass(frozen=True)
class Settings:
    """How the server runs; the defaults suit a laptop."""

    host: str = option("127.0.0.1", "Address to listen on; 0.0.0.0 lets other machines in.")
    port: int = option(7860, "Port to listen on; 0 takes a free one.", least=0, most=65535)
    model: tuple[str, ...] = option(
        ("default",), f"{MODEL.help} Repeatable; the first is used when a request names none."
    )
    trust: bool = option(False, TRUST)
    tile: int | None = option(None, TILE)
    token: str | None = option(
        None,
        "Token that every request but health checks must bring, as bearer token or as a browser's "
        "password; set as UNBLUR_TOKEN, ps does not show it.",
    )
    allow_host: tuple[str, ...] = option(
        (),
        "Name that the server is reached by, besides localhost, the machine's own and addresses; "
        "* for any. Repeatable.",
    )
    allow_origin: tuple[str, ...] = option(
        (), "Other web site, https://NAME, whose pages may use the API. Repeatable."
    )
    page: bool = option(True, "Serve the web page, or the API alone.")

    max_mb: int = option(128, "Refuse request bodies of more MiB than this.", least=1)
    max_pixels: int = option(100_000_000, MAX_PIXELS)
    threads: int = option(2, "Photos at a time.", least=1)
    queue: int = option(16, "Photos that wait besides; the next ones get 429.", least=0)
    timeout: float = option(
        120.0, "Longest that a photo may wait and run; jobs have no limit.", duration=True
    )
    upload_seconds: float = 300.0
    """Longest that a request's body may take to arrive; then 408."""
    idle_seconds: float = 20.0
    """Longest pause while a request arrives; then 408, or the connection is closed."""
    send_seconds: float = 600.0
    """Longest that a client may take to fetch an answer; then the connection is closed."""
    connections: int = 256
    """Open connections; further ones get 503."""
    stop_seconds: float = 60.0
    """How long a stop waits for the photos in progress."""

    jobs: Path | None = option(
        None, "Folder of the jobs, of one server; by default in the user's state folder."
    )
    max_jobs: int = option(200, "Jobs kept, the page's photos and finished ones included.", least=0)
    keep: float = option(86400.0, "How long finished jobs are kept, at most.", duration=True)

    @property
    def max_bytes(self) -> int:
        """`max_mb` in bytes."""
        return self.max_mb * 2**20


def default_jobs() -> Path:
    """The folder of the jobs if none is set: $XDG_STATE_HOME/unblur/jobs on Linux."""
    return platformdirs.user_state_path("unblur", appauthor=False) / "jobs"
