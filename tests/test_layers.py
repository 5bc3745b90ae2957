"""The layout holds: imports go one way, and the base install needs nothing heavy."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "unblur"

# A module may import what stands in a later line, and a package its own.
LAYERS = (
    {"__main__"},
    {"cli"},
    {"serve"},
    {"folders"},
    {"robustness"},
    {"evaluate", "display"},
    {"export"},
    {"training", "synth"},
    {"restore"},
    {"pytorch"},
    {"losses", "checkpoint", "quantisation"},
    {"datasets", "video"},
    {"nets", "blur", "metrics", "engine", "tiling", "gate", "memory", "photo"},
    {"formats", "vision", "openvino_cpu"},
    {"config"},
    {"errors", "options", "__init__"},
)
NO_TORCH = (
    *("__init__", "cli", "photo", "inference.deblurrer", "batch", "video", "serve.queue"),
    *("datasets", "errors"),
)


def imports(path: Path) -> set[str]:
    """The parts of the package that a file imports, anywhere in it, by their first name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "unblur":
            names = {a.name for a in node.names}
            found |= {n if part(n) else "__init__" for n in names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unblur."):
            found.add(str(node.module).split(".")[1])
    return found


def part(name: str) -> bool:
    return (SOURCE / name).is_dir() or (SOURCE / f"{name}.py").is_file()


def test_imports_go_one_way() -> None:
    level = {name: index for index, names in enumerate(LAYERS) for name in names}
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if name == "__init__":
            continue  # lazy: it names what it loads when asked
        for imported in imports(path) - {name}:
            assert level[name] < level[imported], f"{path.name} imports {imported}"


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, json, unblur; print(json.dumps(list(sys.modules)))"
    loaded = set(json.loads(subprocess.check_output([sys.executable, "-c", script])))
    assert not loaded & {"torch", "openvino", "numpy", "pyvips", "typer", "rich"}


@pytest.mark.parametrize("name", NO_TORCH)
def test_the_base_install_never_meets_torch(name: str) -> None:
    module = "unblur" if name == "__init__" else f"unblur.{name}"
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


def test_nobody_is_told_that_unblur_runs() -> None:
    # OpenVINO would tell Google Analytics of each import, through this package.
    script = """
import sys
from unblur import Deblurrer
Deblurrer()
assert "openvino" in sys.modules
assert "openvino_telemetry" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
