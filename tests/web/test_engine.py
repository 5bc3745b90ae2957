from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.vectors import write

WEB = Path(__file__).parents[2] / "web"
NODE = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(NODE is None, reason="there is no Node.js")
def test_engine_computes_what_the_package_computes(tmp_path: Path) -> None:
    assert NODE is not None
    write(tmp_path)
    tests = [str(WEB / "tests" / f"{name}.test.js") for name in ("engine", "deblur", "network")]
    done = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", *tests],
        env={**os.environ, "UNBLUR_VECTORS": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# skipped 0" in done.stdout
