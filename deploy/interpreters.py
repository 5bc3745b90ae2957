"""The Pythons of this machine: those on PATH, pyenv's, and those that uv manages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)")


def supported(pyproject: Path) -> list[str]:
    """The versions of Python that the package's classifiers name, such as "3.11"."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    return [match[1] for c in project["classifiers"] if (match := _CLASSIFIER.fullmatch(c))]


def find(version: str) -> Path | None:
    """A Python of this version, such as "3.12"; None if the machine has none that runs."""
    return next((path for path in _candidates(version) if _version(path) == version), None)


def _candidates(version: str) -> Iterator[Path]:
    name = f"python{version}"
    for folder in os.get_exec_path():
        if found := shutil.which(name, path=folder):
            yield Path(found)
    if os.name == "nt" and (launcher := shutil.which("py")):
        yield from _said([launcher, f"-{version}", "-c", "import sys; print(sys.executable)"])
    # pyenv's own commands on PATH refuse a version that is installed but not chosen.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from sorted(pyenv.glob(f"{version}.*/bin/{name}"), reverse=True)
    if uv := shutil.which("uv"):
        yield from _said([uv, "python", "find", "--managed-python", "--offline", version])


def _said(command: list[str]) -> list[Path]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [Path(done.stdout.strip())] if done.returncode == 0 and done.stdout.strip() else []


def _version(python: Path) -> str | None:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
