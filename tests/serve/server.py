"""A server in a process of its own, as a person starts it, and what is sent to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx


class Server:
    """`unblur serve`, on a free port. Its lines on standard error are in `log`.

    Args:
        jobs: folder of its jobs.
        program: Python to run instead of `unblur`, with the same arguments.
    """

    def __init__(self, jobs: Path, *arguments: str, program: str | None = None) -> None:
        start = ["-c", program] if program else ["-m", "unblur"]
        command = [sys.executable, *start, "serve", "--port", "0", "--jobs", str(jobs), *arguments]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        self.log: list[str] = []
        self._started = threading.Event()
        self.url = ""
        threading.Thread(target=self._read, daemon=True).start()
        if not self._started.wait(180) or not self.url:
            self.process.kill()
            raise AssertionError(f"the server did not start: {self.log}")
        self.client = httpx.Client(base_url=self.url, timeout=60)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self.process.kill()
        self.process.wait()
        self.client.close()

    def stop(self, seconds: float = 60) -> int:
        """Ends it as a service manager does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            self.client.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.log.append(line.rstrip())
                if found := re.search(r"unblur: (http://\S+)", line):
                    self.url = found[1]
                    self._started.set()
        self._started.set()
