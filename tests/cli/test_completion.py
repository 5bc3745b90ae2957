"""What the shell offers, by the protocol of its completion."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNBLUR = Path(sys.executable).with_name("unblur")


def complete(line: str, folder: Path, shell: str = "bash") -> list[str]:
    """The words that are offered for the last one of a line."""
    asked = {"_UNBLUR_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        asked |= {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    else:
        asked |= {"_TYPER_COMPLETE_ARGS": line}
    code = "import sys; from unblur.cli import app; app(prog_name='unblur')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **asked},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1] if shell == "bash" else [done.stdout]


def test_commands_options_choices_models_and_files_are_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "net.onnx").touch()
    (tmp_path / "deep" / "photo.jpg").touch()
    (tmp_path / "added" / "denim").mkdir(parents=True)
    monkeypatch.setenv("UNBLUR_MODELS", str(tmp_path / "added"))
    assert complete("unblur deb", tmp_path) == ["deblur"]
    assert complete("unblur deblur --strengt", tmp_path) == ["--strength"]
    assert complete("unblur deblur --precision f", tmp_path) == ["float", "f32"]
    assert complete("unblur deblur --model de", tmp_path) == [
        "default",
        "default-int8",
        "denim",
        "deep/",
    ]
    assert complete("unblur evaluate --model deep/", tmp_path) == ["deep/net.onnx"]
    # Nothing: bash then offers files by itself (complete -o default).
    assert complete("unblur deblur pho", tmp_path) == [""]
    (offered,) = complete("unblur deblur --model default-", tmp_path, "zsh")
    assert '"default-int8"' in offered


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_bash_completes_by_the_script_that_is_shown(tmp_path: Path) -> None:
    if not UNBLUR.is_file():
        pytest.skip("the command is not installed beside Python")
    lines = f"""
source <({UNBLUR} --show-completion bash)
COMP_WORDS=(unblur insp); COMP_CWORD=1
_unblur_completion {UNBLUR}
echo "${{COMPREPLY[@]}}"
"""
    said = subprocess.check_output(["bash", "-c", lines], text=True, cwd=tmp_path)
    assert said == "inspect\n"
