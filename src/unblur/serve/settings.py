"""Every limit and choice of the server. `unblur serve` and docs/serve.md are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import platformdirs

from unblur.inference.options import MAX_PIXELS, MODEL, TILE, Option


@dataclass(frozen=True)
class Settings:
    """How the server runs; the defaults suit a laptop. A field with an `Option` is an option."""

    host: Annotated[str, Option("Address to listen on; 0.0.0.0 lets other machines in.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Option("Port to listen on; 0 takes a free one.", 0, 65535)] = 7860
    model: Annotated[
        tuple[str, ...],
        Option(f"{MODEL.help} Repeat it for more; the first is used when a request names none."),
    ] = ("default",)
    tile: Annotated[int | None, TILE] = None
    token: Annotated[
        str | None,
        Option(
            "Required of every request but health checks, as bearer token or as the password that "
            "a browser asks for. Set UNBLUR_TOKEN instead to hide it from ps."
        ),
    ] = None
    allow_host: Annotated[
        tuple[str, ...],
        Option(
            "Host name that the server is reached by, besides localhost, the machine's own and "
            "addresses; * for any. Repeatable."
        ),
    ] = ()
    allow_origin: Annotated[
        tuple[str, ...],
        Option("Other web site, https://NAME, whose pages may use the API. Repeatable."),
    ] = ()
    page: Annotated[bool, Option("Serve the web page, or the API alone.")] = True

    max_mb: Annotated[int, Option("Refuse request bodies of more MiB (413).", 1)] = 128
    max_pixels: Annotated[int, MAX_PIXELS] = 100_000_000
    threads: Annotated[
        int, Option("Photos at a time: one in the network, others being read and written.", 1)
    ] = 2
    queue: Annotated[int, Option("Photos that may wait besides; further ones get 429.", 0)] = 16
    timeout: Annotated[
        float,
        Option(
            "Longest that a photo may wait and run while its client waits (503); not of jobs.",
            duration=True,
        ),
    ] = 120.0
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

    jobs: Annotated[
        Path | None,
        Option("Folder of the jobs, of one server; by default in the user's state folder."),
    ] = None
    max_jobs: Annotated[int, Option("Jobs kept, finished ones included; then 429.", 0)] = 100
    keep: Annotated[float, Option("How long finished jobs are kept.", duration=True)] = 86400.0

    @property
    def max_bytes(self) -> int:
        """`max_mb` in bytes."""
        return self.max_mb * 2**20


def default_jobs() -> Path:
    """The folder of the jobs if none is set: $XDG_STATE_HOME/unblur/jobs on Linux."""
    return platformdirs.user_state_path("unblur", appauthor=False) / "jobs"
