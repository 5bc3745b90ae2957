"""Folders outside of the package that unblur writes to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from unblur.doctor.finding import Finding, State, guarded


def findings() -> list[Finding]:
    """The user's folders of models, contracts and jobs, and the one of large photos at work."""
    folders: dict[str, tuple[Callable[[], Path], str]] = {
        "temporary": (lambda: Path(tempfile.gettempdir()), "large photos while they are at work"),
        "data": (_data, "added models"),
        "cache": (_cache, "what was found out about other people's networks"),
        "state": (_state, "jobs of unblur serve"),
    }
    return [guarded(n, partial(_look, n, where, use)) for n, (where, use) in folders.items()]


def _look(name: str, where: Callable[[], Path], use: str) -> Finding:
    folder = where()
    facts = {"folder": str(folder), "for": use}
    fault = _unwritable(folder)
    if fault:
        return Finding(name, State.BROKEN, f"{folder} ({use}): {fault}", facts=facts)
    there = "" if folder.is_dir() else ", made when it is needed"
    return Finding(name, State.OK, f"{folder} ({use}{there})", facts=facts)


def _unwritable(folder: Path) -> str:
    """Why a folder cannot be written or made; "" if it can."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        return f"{there} is a file, not a folder"
    # A file that is made tells what access bits do not (read-only mounts, quotas, Windows).
    try:
        with tempfile.TemporaryFile(dir=there):
            return ""
    except OSError as error:
        return f"cannot be written ({error.strerror or error})"


def _data() -> Path:
    from unblur.inference import added

    return added.home()


def _cache() -> Path:
    from unblur.inference import contracts

    return contracts.cache()


def _state() -> Path:
    from platformdirs import user_state_path

    return Path(os.environ.get("UNBLUR_JOBS") or user_state_path("unblur", False) / "jobs")
