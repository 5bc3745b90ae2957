"""Fresh virtual environments, and commands in them as a new user would run them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LONGEST = 1800
"""Seconds after which a command has failed."""


class TrialError(Exception):
    """A command of a trial failed: the message is the command and the end of its output."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Attributes:
        folder: where it lies.
        empty: megabytes of its packages before anything was installed.
    """

    folder: Path
    empty: float = 0.0

    @property
    def python(self) -> Path:
        return self._program("python")

    @property
    def unblur(self) -> Path:
        return self._program("unblur")

    def install(self, *what: str) -> float:
        """Installs by pip; returns the seconds that it took."""
        return run([self.python, "-m", "pip", "install", "--quiet", *what])[1]

    def megabytes(self) -> float:
        """What was installed, in megabytes, without pip itself."""
        return _megabytes(self.folder) - self.empty

    def _program(self, name: str) -> Path:
        if os.name == "nt":
            return self.folder / "Scripts" / f"{name}.exe"
        return self.folder / "bin" / name


def create(python: Path, folder: Path) -> Environment:
    """A virtual environment with nothing but pip in it."""
    run([python, "-m", "venv", folder])
    return Environment(folder, _megabytes(folder))


def run(command: list[str | Path], cwd: Path | None = None) -> tuple[str, float]:
    """Runs a command outside of this checkout's settings; returns its output and its seconds.

    Raises:
        TrialError: if it fails or does not end.
    """
    started = time.perf_counter()
    words = " ".join(map(str, command))
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=cwd,
            env=clean(os.environ),
            timeout=LONGEST,
            check=False,
        )
    except OSError as error:
        raise TrialError(f"{words}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise TrialError(f"{words}: has not ended after {LONGEST} s") from None
    if done.returncode:
        end = "\n".join(done.stdout.strip().splitlines()[-12:])
        raise TrialError(f"{words}: exit code {done.returncode}\n{end}")
    return done.stdout, time.perf_counter() - started


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables without those that developing sets."""
    ours = ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    kept = {
        name: value
        for name, value in environment.items()
        if name not in ours and not name.startswith("UNBLUR_")
    }
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUTF8": "1", "NO_COLOR": "1"}


def _megabytes(folder: Path) -> float:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6
