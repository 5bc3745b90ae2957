"""The engine of the page in the browser computes what the package computes."""

from __future__ import annotations

from pathlib import Path

from tests.web.node import needs_node, run
from tests.web.vectors import write

pytestmark = needs_node


def test_the_units_of_the_package_pass(tmp_path: Path) -> None:
    """The vectors are the package's, written anew."""
    write(tmp_path)
    tests = [f"tests/{name}.test.js" for name in ("engine", "deblur", "network")]
    said = run("--test", "--test-reporter=tap", *tests, UNBLUR_VECTORS=str(tmp_path))
    assert "# skipped 0" in said


def test_the_units_of_photo_files_pass() -> None:
    assert "# fail 0" in run("--test", "--test-reporter=tap", "tests/photo.test.js")
