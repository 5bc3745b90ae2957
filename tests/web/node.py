"""Runs programs of web/ by Node.js, the one of this environment or of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).parents[2] / "web"


def node() -> str | None:
    """Its path; None if there is none."""
    return shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs it in web/."""
    found = node()
    assert found is not None
    return subprocess.run(
        [found, *arguments],
        cwd=WEB,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
