"""Every limit and choice of the server, in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How the server runs. The defaults suit a laptop; docs/serve.md says when to change them."""

    host: str = "127.0.0.1"
    """Address to listen on; only this machine can reach the default."""
    port: int = 7860
    """Port to listen on; 0 takes a free one."""
    model: tuple[str, ...] = ("default",)
    """Models as `Deblurrer` takes them; the first is taken when a request names none."""
    tile: int | None = None
    """Largest side worked on at once; by default what the memory allows when the server starts."""
    token: str | None = None
    """If given, every request but health checks must bring it: as bearer token, or as the password
    that a browser asks for."""
    allow_host: tuple[str, ...] = ()
    """Host names that the server is reached by, besides localhost and addresses; * for any."""
    allow_origin: tuple[str, ...] = ()
    """Other web sites (https://app.example) whose pages may use the API from a browser."""
    page: bool = True
    """Whether the web page is there, or the API alone."""

    max_mb: float = 128
    """Longest body of a request, in MiB; longer is 413."""
    max_pixels: int = 100_000_000
    """Largest photo, width times height, refused by its header; larger is 413."""
    threads: int = 2
    """Photos at a time: while one is in the network, others are read and written."""
    queue: int = 16
    """Photos that may wait for their turn besides; further ones get 429."""
    timeout: float = 120.0
    """Longest that a photo may wait and be worked on while its client waits; then 503. Jobs may
    take as long as they take."""
    upload_seconds: float = 300.0
    """Longest that a request's body may take to arrive; then 408."""
    idle_seconds: float = 20.0
    """Longest pause while a request arrives; then 408, or the connection is closed."""
    send_seconds: float = 600.0
    """Longest that an answer may take to be fetched; then the connection is closed."""
    connections: int = 256
    """Open connections; further ones get 503."""
    stop_seconds: float = 60.0
    """How long a stop waits for what is at work."""

    jobs: Path | None = None
    """Folder of the jobs; by default `default_jobs()`."""
    max_jobs: int = 100
    """Jobs kept, finished ones too; further ones get 429."""
    keep: float = 24 * 3600.0
    """How long a finished job is kept."""

    @property
    def max_bytes(self) -> int:
        """`max_mb` in bytes."""
        return int(self.max_mb * 2**20)


def default_jobs() -> Path:
    """Where jobs are kept when nobody says: with other programs' state, so that they last."""
    if os.name == "nt":
        home = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "unblur" / "jobs"
