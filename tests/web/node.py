"""Runs the programs of web/ by Node.js, the one of this environment or of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
_BESIDE = shutil.which("node", path=str(Path(sys.executable).parent))
NODE = _BESIDE or shutil.which("node") or ""
needs_node = pytest.mark.skipif(
    not NODE or not (WEB / "node_modules").exists(), reason="needs Node.js, and npm ci in web/"
)


def run(*arguments: object, **environment: str) -> str:
    """Runs it in web/, and returns what it says; fails if it fails."""
    done = subprocess.run(
        [NODE, *map(str, arguments)],
        cwd=WEB,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
