"""Standard streams that are closed, full or broken pipes; names of files as systems allow them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

from tests.files import write
from tests.video.clips import write_clip

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
COMMANDS = ("deblur", "inspect", "synth", "train", "train-head", "evaluate", "robustness", "export")
LONG = "n" * 300


def shell(line: str, cwd: Path) -> tuple[int, str, str]:
    """Runs a line in which `unblur` is the program: exit code, output, lines of error."""
    program = f"{shlex.quote(sys.executable)} -m unblur"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.replace("unblur", program, 1)],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        cwd=cwd,
        env={**os.environ, "COLUMNS": "120"},
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def photo(tmp_path: Path, picture: np.ndarray) -> Path:
    return write(tmp_path / "p.png", picture)


@pytest.mark.parametrize("what", ["--version", *(f"{command} --help" for command in COMMANDS)])
def test_help_that_cannot_be_written_is_one_line(tmp_path: Path, what: str) -> None:
    full = shell(f"unblur {what} >/dev/full", tmp_path)
    assert (full[0], full[2].count("\n")) == (1, 1)
    assert full[2].startswith("unblur: standard output takes no more (No space left")
    assert shell(f"unblur {what} >&-", tmp_path) == (1, "", "unblur: standard output is closed\n")
    assert shell(f"unblur {what} >&- 2>&-", tmp_path) == (1, "", "")
    assert shell(f"unblur {what} 2>/dev/full <&-", tmp_path)[0] == 0


@pytest.mark.parametrize("command", ["deblur p.png --overwrite -o o.png", "inspect p.png"])
def test_the_work_is_done_though_nothing_can_be_said(
    tmp_path: Path, photo: Path, command: str
) -> None:
    for json_ in ("", " --json"):
        for stream, said in ((">&-", "is closed"), (">/dev/full", "takes no more")):
            (tmp_path / "o.png").unlink(missing_ok=True)
            code, _, error = shell(f"unblur {command}{json_} {stream}", tmp_path)
            assert (code, error.count("\n")) == (1, 1), error
            assert f"standard output {said}" in error
            assert command.startswith("inspect") or size(tmp_path / "o.png") == (120, 96)


def size(path: Path) -> tuple[int, int]:
    image: Any = pyvips.Image.new_from_file(str(path))
    return image.width, image.height


def test_closed_descriptors_are_not_taken_for_files(tmp_path: Path, photo: Path) -> None:
    # Else the result's file has the number of standard error, and gets what libraries write there.
    assert shell("unblur deblur p.png -o o.png <&- >&- 2>&-", tmp_path)[0] == 1
    assert size(tmp_path / "o.png") == (120, 96)


def test_a_broken_pipe_ends_the_program(tmp_path: Path, photo: Path) -> None:
    for command in ("inspect p.png p.png --json", "deblur p.png -o o.png"):
        code, _, error = shell(f"unblur {command} | true", tmp_path)
        assert code == 1
        assert not [line for line in error.splitlines() if "inspected" not in line]


def test_photos_in_standard_streams(tmp_path: Path, photo: Path) -> None:
    code, _, error = shell("unblur deblur - -o o.png <&-", tmp_path)
    assert code == 1
    assert error.startswith("unblur: standard input: cannot be read")
    for stream in (">&-", ">/dev/full"):
        code, _, error = shell(f"unblur deblur p.png -o - {stream}", tmp_path)
        assert (code, error.count("\n")) == (1, 1)
    noise = np.random.default_rng(1).integers(0, 255, (300, 300, 3), np.uint8)
    write(tmp_path / "big.png", noise)  # more than a pipe holds
    code, _, error = shell("unblur deblur big.png -o - | head -c1 >/dev/null", tmp_path)
    assert (code, error.count("\n")) == (1, 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["big.png", "p.png"]


def test_a_name_with_a_slash_at_its_end_is_a_folders(tmp_path: Path, photo: Path) -> None:
    write_clip(tmp_path / "v.mp4", count=2)
    write(tmp_path / "q.png", np.full((64, 64, 3), 99, np.uint8))
    for line, made in (
        ("deblur p.png -o a.v2/", ["a.v2/p.png"]),
        ("deblur p.png q.png -o b.v2/", ["b.v2/p.png", "b.v2/q.png"]),
        ("deblur p.png v.mp4 -o c.v2/d.v3/.", ["c.v2/d.v3/p.png", "c.v2/d.v3/v.mp4"]),
        ("inspect p.png --map e.png/", ["e.png/p.png.png"]),
        ("inspect p.png q.png --map f.v2/", ["f.v2/p.png.png", "f.v2/q.png.png"]),
    ):
        code, _, error = shell(f"unblur {line}", tmp_path)
        assert code == 0, error
        assert [name for name in made if not (tmp_path / name).is_file()] == []
    for line, said in (
        ("deblur p.png -o q.png/", "q.png is a file: name a folder"),
        ("inspect p.png --map q.png/", "q.png is a file: name a folder"),
        ("deblur - -o g.v2/ <p.png", "g.v2 is a folder: name a file"),
        ("evaluate . --json h.json/", "the name of a file was expected, not of a folder: h.json/"),
        ("export x -o h.onnx/", "the name of a file was expected, not of a folder: h.onnx/"),
    ):
        code, _, error = shell(f"unblur {line}", tmp_path)
        assert code == 2
        assert said in error
    assert not [p for p in tmp_path.iterdir() if p.name[0] in "gh"]


def test_what_is_replaced_in_a_folder_keeps_its_mode(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "in").mkdir()
    photo.rename(tmp_path / "in/p.png")
    assert shell("unblur deblur in -o out", tmp_path)[0] == 0
    for mode in (0o600, 0o660):
        (tmp_path / "out/p.png").chmod(mode)
        assert shell("unblur deblur in -o out --overwrite", tmp_path)[0] == 0
        assert (tmp_path / "out/p.png").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    "line",
    [
        f"deblur {LONG}.png",
        f"deblur {LONG} p.png -o out",
        f"deblur p.png -o {LONG}.png",
        f"deblur p.png -o {LONG}/",
        f"deblur p.png --model {LONG}.onnx",
        f"inspect {LONG}.png",
        f"inspect p.png --map {LONG}.png",
        f"inspect p.png --below 99 --copy-to {LONG}",
        f"synth {LONG} -o pairs",
        f"evaluate {LONG}",
        f"export {LONG} -o x.onnx",
        f"train {LONG}.toml",
        f"robustness {LONG}",
    ],
)
def test_a_name_that_is_too_long_is_one_line(tmp_path: Path, photo: Path, line: str) -> None:
    code, _, error = shell(f"unblur {line}", tmp_path)
    assert code in (1, 2)
    said = [line for line in error.splitlines() if "inspected" not in line]
    assert len(said) == 1, error
    assert said[0].startswith("unblur: ")


def test_names_that_are_no_text(tmp_path: Path, photo: Path) -> None:
    name = os.fsdecode(b"\xff$x$.png")
    photo.rename(tmp_path / name)
    code, out, _ = shell("LC_ALL=C.UTF-8 unblur deblur *.png -o o.v2/", tmp_path)
    assert (code, out[:15]) == (0, r"o.v2/\xff$x$.pn")
    code, out, error = shell("LC_ALL=C.UTF-8 unblur inspect *.png --map m.v2/ --json", tmp_path)
    assert json.loads(out.splitlines()[0])["input"] == name
    assert error == ""
    for folder in ("o.v2", "m.v2"):
        assert [os.fsencode(p.name)[:6] for p in (tmp_path / folder).iterdir()] == [b"\xff$x$.p"]


def test_measuring_images_whose_names_are_no_text(tmp_path: Path, picture: np.ndarray) -> None:
    for side in ("blur", "sharp"):
        made = write(tmp_path / side / "x.png", picture)
        made.rename(made.with_name(os.fsdecode(b"\xff$x$.png")))
    outputs = "--html a.html --json b.json --markdown c.md --figure d.png"
    line = f"LC_ALL=C.UTF-8 unblur evaluate . --no-cost --protocol full {outputs}"
    code, out, error = shell(line, tmp_path)
    assert code == 0, error
    assert r"\udcff$x$" in out
    for name in ("a.html", "c.md"):
        assert r"\udcff$x$" in (tmp_path / name).read_text("utf-8")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_no_unfinished_files(tmp_path: Path, name: str) -> None:
    program = f"""
        import os, pathlib, signal
        from unblur.cli.stopping import tidy_end
        from unblur.photo.files import atomic, scratch, scratch_folder
        out = pathlib.Path("out.png")
        signal.signal(signal.{name}, signal.SIG_DFL)  # the tests may run under nohup
        with tidy_end(), scratch_folder() as folder, scratch(out), atomic(out) as file:
            file.write(b"half")
            (folder / "in").touch()
            print(len(os.listdir()), folder, flush=True)
            os.kill(os.getpid(), signal.{name})
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    count, folder = done.stdout.split()
    assert (done.returncode, count) == (-getattr(signal, name), "2")
    assert list(tmp_path.iterdir()) == []
    assert not Path(folder).exists()
