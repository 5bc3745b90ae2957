"""What `unblur doctor` says of installations that are whole, and of broken ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from unblur.cli import app
from unblur.doctor import extras, folders, machine, models, packages
from unblur.doctor.finding import Finding, State, guarded
from unblur.doctor.imports import Import, try_imports


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a module that a process of its own finds."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(name: str, code: str) -> str:
        (tmp_path / f"{name}.py").write_text(code)
        return name

    return write


def doctor(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["doctor", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout


def test_a_whole_installation_can_deblur(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_SECONDS", 0.1)
    code, out = doctor("--json")
    said = json.loads(out)
    assert (code, said["ok"]) == (0, True), out
    (tile,) = said["speed"]
    assert tile["megapixels_per_second"] > 0
    assert {found["state"] for found in said["models"]} == {"ok"}
    assert set(extras.BRINGS) == {found["name"] for found in said["extras"]}


def test_every_extra_is_told_of() -> None:
    import tomllib

    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert set(extras.BRINGS) == set(project["optional-dependencies"]) - {"dev", "docs"}


def test_imports_that_raise_end_or_never_end_are_told_apart(module: Any) -> None:
    names = [
        module("good_one", ""),
        module("raises_any", "class Odd(BaseException): pass\nraise Odd('two\\nlines')"),
        module("leaves", "raise SystemExit(3)"),
        module("crashes", "import os; print('noise'); os._exit(139)"),
        module("after_it", ""),
    ]
    assert try_imports([names, []], 60) == {
        "good_one": Import(),
        "raises_any": Import("Odd: two"),
        "leaves": Import("SystemExit: 3"),
        "crashes": Import("ends the process that imports it (exit code 139)"),
        "after_it": Import(),
    }
    endless = module("endless", "import time; time.sleep(600)")
    assert try_imports([[endless, "json"]], 0.3)[endless] == Import(ended=False)


@pytest.mark.parametrize("fault", [MemoryError(), SystemExit(1), GeneratorExit(), ValueError("x")])
def test_whatever_a_look_raises_is_a_finding(fault: BaseException) -> None:
    def look() -> Finding:
        raise fault

    found = guarded("it", look, needed=True)
    assert (found.state, found.is_fault) == (State.BROKEN, True)
    assert "\n" not in found.text


def test_a_package_that_is_missing_old_or_broken_is_said_with_what_to_do() -> None:
    from packaging.requirements import Requirement

    whole, old, missing = (Requirement(r) for r in ("numpy", "numpy>=99", "no-such-package>=1"))
    assert packages.finding(whole, Import()).state is State.OK
    assert packages.finding(whole, Import("OSError: torn")).text.endswith("reinstall numpy")
    assert ">=99 is needed: pip install --upgrade" in packages.finding(old, Import()).text
    found = packages.finding(missing, None)
    assert (found.state, found.is_fault) == (State.MISSING, True)


def test_without_a_package_that_is_needed_the_exit_code_is_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Finding("openvino", State.BROKEN, "cannot be imported", needed=True)
    monkeypatch.setattr(packages, "findings", lambda: [found])
    monkeypatch.setattr(extras, "findings", list)
    code, out = doctor()
    assert code == 1
    assert "! openvino  cannot be imported" in out
    assert out.endswith("\nPhotos cannot be deblurred: openvino.\n")


def test_a_damaged_model_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "SHA256SUMS").write_text("00  default.onnx\n")
    monkeypatch.setattr("importlib.resources.files", lambda name: tmp_path)
    monkeypatch.setenv("UNBLUR_MODELS", str(tmp_path / "added"))
    assert [(f.name, f.state) for f in models.findings()] == [("default", State.MISSING)]
    (tmp_path / "weights" / "default.onnx").write_bytes(b"torn")
    (found,) = models.findings()
    assert found.is_fault
    assert "damaged" in found.text
    (tmp_path / "added" / "mine").mkdir(parents=True)
    _, mine = models.findings()
    assert (mine.state, mine.is_fault) == (State.BROKEN, False)
    assert "model.json is missing" in mine.text


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UNBLUR_MODELS", str(tmp_path / "file" / "models"))
    monkeypatch.setenv("UNBLUR_JOBS", str(tmp_path / "new" / "jobs"))
    states = {found.name: found for found in folders.findings()}
    assert states["data"].state is State.BROKEN
    assert "is a file, not a folder" in states["data"].text
    assert states["state"].state is State.OK
    assert not (tmp_path / "new").exists()


def test_the_processors_instructions_are_read_on_x86_and_arm(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor: 0\nflags\t\t: fpu avx2 avx512f amx_bf16\n")
    assert machine._instructions(info) == ["AVX2", "AVX-512", "AMX bf16"]
    info.write_text("Features\t: fp asimd i8mm bf16\n")
    assert machine._instructions(info) == ["NEON", "int8 matrices", "bf16"]
    assert machine._instructions(tmp_path / "none") == []


def test_the_version_stands_alone_on_the_first_line_and_takes_no_second() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unblur", "--version"], capture_output=True, text=True, check=True
    )
    from unblur import __version__

    first, engine, python = done.stdout.splitlines()
    assert first == f"unblur {__version__}"
    assert engine.startswith("OpenVINO 20")
    assert " on the CPU in " in engine
    assert python.startswith("CPython 3.")


def test_the_version_is_told_without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unblur.inference.openvino_cpu.version", lambda: 1 / 0)
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert "no engine: ZeroDivisionError" in done.stdout
