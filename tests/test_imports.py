"""What importing the package loads. Its layers are import-linter's contracts in pyproject.toml."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BASE = (
    *("unblur", "unblur.cli", "unblur.photo", "unblur.inference.deblurrer", "unblur.batch"),
    *("unblur.video", "unblur.datasets", "unblur.serve.queue"),
)


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, json, unblur; print(json.dumps(list(sys.modules)))"
    loaded = set(json.loads(subprocess.check_output([sys.executable, "-c", script])))
    assert not loaded & {"torch", "openvino", "numpy", "pyvips", "typer", "rich"}


@pytest.mark.parametrize("module", BASE)
def test_the_base_install_imports_without_the_extras(module: str) -> None:
    script = f"""
import sys
for missing in ("torch", "lightning", "onnx", "skimage", "cv2", "jaxtyping", "matplotlib"):
    sys.modules[missing] = None
import {module}
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_help_loads_nothing_heavy() -> None:
    script = """
import sys
from typer.testing import CliRunner
from unblur.cli import app
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
assert not {"torch", "openvino", "numpy", "pyvips"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_deblurring_sends_no_telemetry(tmp_path: Path) -> None:
    # OpenVINO reports each import to Google Analytics through this package, where it is there;
    # ONNX Runtime what it runs to Microsoft, and keeps an identifier of the machine in the cache.
    script = """
import sys
from unblur import Deblurrer
Deblurrer()
assert {"openvino", "onnxruntime"} <= set(sys.modules)
assert "openvino_telemetry" not in sys.modules
"""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    for name in ("CI", "ORT_DISABLE_TELEMETRY"):
        environment.pop(name, None)
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
    assert not list(tmp_path.iterdir())
