"""Folders of photos: mirrored, gone on with after a kill, and nothing lost unsaid."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.files import write
from unblur import photo, run
from unblur.cli import app
from unblur.engine import Contract
from unblur.plan import plan

PIXELS = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)


class Inverter:
    """Stands for the network: as fast, and as sure to change a photo, as a test needs."""

    calls = 0
    tile = 512
    engine = SimpleNamespace(contract=Contract())

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __call__(self, image: np.ndarray, strength: float = 1.0) -> np.ndarray:
        type(self).calls += 1
        return 255 - image if strength else image


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "Deblurrer", Inverter)
    monkeypatch.setattr(Inverter, "calls", 0)


def deblur(*arguments: object) -> tuple[int, list[str], list[str]]:
    """The exit code, and the lines of standard output and error."""
    result = CliRunner().invoke(app, ["deblur", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout.splitlines(), result.stderr.splitlines()


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def fill(folder: Path, *names: str) -> Path:
    for index, name in enumerate(names):
        write(folder / name, np.roll(PIXELS, index, axis=0))
    return folder


def test_a_tree_is_mirrored_and_the_rest_left_alone(tmp_path: Path) -> None:
    photos = fill(tmp_path / "in", "b.png", "a.jpg", "sub/deep/c.webp", ".hidden.png", ".h/d.png")
    (photos / "notes.txt").write_text("notes")
    os.mkfifo(photos / "pipe.png")
    (photos / "linked.png").symlink_to(photos / "b.png")
    out = photos / "out"
    code, said, errors = deblur(photos, "-o", out)
    assert (code, errors) == (0, [])
    assert len(said) == 1
    assert said[0].startswith(f"{out}: 4 deblurred, 2 other files left alone  ")
    names = ["a.jpg", "b.png", "linked.png", "sub/deep/c.webp"]
    assert sorted(tree(out)) == [".unblur.json", *names]
    assert np.array_equal(photo.read(out / "linked.png").pixels, 255 - PIXELS)
    assert [Path(j.path).name for j in plan([photos], out).jobs] == [Path(n).name for n in names]
    assert deblur(photos, "-o", out)[1][0].startswith(f"{out}: 0 deblurred, 4 done before, ")


def test_what_is_done_is_known(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "b.png", "c.png"), tmp_path / "out"
    deblur(photos, "-o", out)
    write(photos / "b.png", PIXELS)  # changed since
    (out / ".unblur-0123456789abcdef.png").write_text("half of a photo")
    Inverter.calls = 0
    code, said, _ = deblur(photos, "-o", out)
    assert code == 0
    assert said[0].startswith(f"{out}: 1 deblurred, 2 done before  ")
    assert Inverter.calls == 1
    assert np.array_equal(photo.read(out / "b.png").pixels, 255 - PIXELS)
    assert not list(out.glob(".unblur-*"))
    # Another folder's photos of the same names are not taken for done, nor written over.
    others, before = fill(tmp_path / "other", "a.png"), tree(out)
    os.utime(others / "a.png", (1e9, 1e9))
    code, _, errors = deblur(others, "-o", out)
    assert code == 1
    assert errors == [
        f"unblur: {others}/a.png: {out}/a.png exists already and is of another photo, or was "
        "changed since; --overwrite replaces it"
    ]
    assert tree(out) == before
    assert deblur(others, "-o", out, "--overwrite")[0] == 0


def test_results_of_two_settings_never_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "b.png"), tmp_path / "out"
    assert deblur(photos, "-o", out)[0] == 0
    before = tree(out)
    code, _, errors = deblur(photos, "-o", out, "--strength", 0, "--tile", 256)
    assert code == 1
    assert errors == [
        f"unblur: {out} holds results made with another strength and tile: name another folder, "
        "or --overwrite replaces them"
    ]
    assert tree(out) == before
    with monkeypatch.context() as patch:  # cut short while it replaces
        patch.setattr(run, "deblur_folder", lambda *_: iter(()))
        assert deblur(photos, "-o", out, "--strength", 0, "--overwrite")[0] == 130
    code, _, errors = deblur(photos, "-o", out, "--strength", 0)
    assert code == 1
    assert "a run with --overwrite was not finished" in errors[0]
    assert deblur(photos, "-o", out, "--strength", 0, "--overwrite")[0] == 0
    assert deblur(photos, "-o", out, "--strength", 0)[0] == 0
    assert (out / "a.png").read_bytes() == (photos / "a.png").read_bytes()
    # Less memory at hand now does not make it another tile.
    monkeypatch.setattr(run, "tile_for_memory", lambda _: 384)
    assert deblur(photos, "-o", out, "--strength", 0)[0] == 0
    assert json.loads((out / ".unblur.json").read_text())["tile"] != 384


def test_files_of_other_origin_stop_the_run(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "a.png"), tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_text("precious")
    for _ in range(2):
        code, _, errors = deblur(photos, "-o", out)
        assert code == 1
        assert "a.png exists already, and not from such a run" in errors[0]
    assert tree(out) == {"a.png": b"precious"}


def test_every_failure_is_listed_at_the_end(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "sub/torn.png", "z.jpg"), tmp_path / "out"
    torn = photos / "sub" / "torn.png"
    torn.write_bytes(torn.read_bytes()[:200])
    (photos / "empty.jpg").touch()
    (photos / "gone.png").symlink_to("nothing")
    (photos / "sub" / "up").symlink_to("..")
    (photos / "self.png").symlink_to("self.png")
    code, said, errors = deblur(photos, "-o", out)
    assert code == 1
    assert said[0].startswith(f"{out}: 2 deblurred, 3 failed")
    assert [line.split(": ")[1:] for line in errors] == [
        [f"{photos}/self.png", "is a symbolic link in a circle, and not followed"],
        [f"{photos}/sub/up", "is a symbolic link in a circle, and not followed"],
        [f"{photos}/gone.png", "is a symbolic link to nothing"],
        [f"{photos}/empty.jpg", "is empty; a JPEG, PNG or WebP photo was expected"],
        [f"{torn}", errors[-1].split(": ")[-1]],
    ]
    assert sorted(tree(out)) == [".unblur.json", "a.png", "z.jpg"]


def test_an_unreadable_folder_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "shut/b.png"), tmp_path / "out"
    scan: Callable[..., Any] = os.scandir

    def refuse(folder: str) -> Any:  # as root, who may run this, can read every folder
        if str(folder).endswith("shut"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return scan(folder)

    monkeypatch.setattr("unblur.plan.os.scandir", refuse)
    code, said, errors = deblur(photos, "-o", out)
    assert code == 1
    assert errors == [f"unblur: {photos}/shut: cannot be read (Permission denied)"]
    assert said[0].startswith(f"{out}: 1 deblurred, 1 failed")


def test_inputs_with_one_result_are_said_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (fill(tmp_path / name, "x.png", f"{name}.png") for name in ("one", "two"))
    out = tmp_path / "out"
    code, _, errors = deblur(first, second, "-o", out)
    assert code == 1
    clash = f"unblur: {second}/x.png: would be written to {out}/x.png, as {first}/x.png will be"
    assert errors == [clash, clash]  # at the start, and in the list at the end
    assert sorted(tree(out)) == [".unblur.json", "one.png", "two.png", "x.png"]
    monkeypatch.setattr("unblur.plan._folds_case", lambda _: True)
    fill(tmp_path / "case", "é.png", "E\u0301.png", "b.png")
    found = plan([tmp_path / "case"], out)
    assert [c.path for c in found.clashes] == [f"{tmp_path}/case/é.png"]
    # A result is never written over an input.
    inner = fill(tmp_path / "two" / "in", "x.png")
    found = plan([inner, second / "x.png"], second)
    assert found.clashes[0].reason == f"would be written over the input {second}/x.png"


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "plain.png"), tmp_path / "out"
    strange = os.fsencode(photos) + b"/caf\xe9\n.png"
    (photos / "plain.png").rename(os.fsdecode(strange))
    code, said, _ = deblur(photos, "-o", out, "--json")
    assert code == 0
    assert os.fsencode(json.loads(said[0])["input"]) == strange
    assert Path(os.fsdecode(os.fsencode(out) + b"/caf\xe9\n.png")).exists()
    code, said, _ = deblur(os.fsdecode(strange), "-o", tmp_path / "again")
    assert code == 0
    assert len(said) == 1
    assert r"again/caf\xe9\n.png  " in said[0]


def test_json_has_a_line_for_each_input_and_one_for_the_sum(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "b.png"), tmp_path / "out"
    deblur(photos, "-o", out)
    (photos / "rubbish.png").write_text("rubbish")
    fill(photos, "c.png")
    code, said, errors = deblur(photos, "-o", out, "--json", "--jobs", 1)
    assert code == 1
    assert len(errors) == 1
    *lines, last = map(json.loads, said)
    assert [(Path(r["input"]).name, r["status"]) for r in lines] == [
        ("a.png", "skipped"), ("b.png", "skipped"), ("c.png", "done"), ("rubbish.png", "failed")
    ]  # fmt: skip
    assert lines[2]["output"] == f"{out}/c.png"
    assert lines[2]["seconds"] >= 0
    assert "not a picture" in lines[3]["error"]
    del last["summary"]["seconds"]
    assert last == {"summary": {"done": 1, "unchanged": 0, "skipped": 2, "failed": 1, "others": 0}}


def test_a_full_disk_and_a_closed_folder_leave_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "sub/b.png"), tmp_path / "out"
    code, _, errors = deblur(photos, "-o", "/proc/unblur")
    assert (code, len(errors)) == (1, 1)
    assert errors[0].startswith("unblur: /proc/unblur cannot be made (")
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if os.fstat(descriptor).st_size > 200:  # a photo, not the settings
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr("unblur.photo.os.fsync", full)
    code, _, errors = deblur(photos, "-o", out)
    assert code == 1
    assert len(errors) == 2
    for line, name in zip(errors, ("a.png", "sub/b.png"), strict=True):
        assert line.startswith(f"unblur: {photos}/{name}: {out}/{name} cannot be written (No space")
    assert sorted(tree(out)) == [".unblur.json"]


def test_two_runs_keep_out_of_each_others_way(tmp_path: Path) -> None:
    from unblur.resume import held

    photos, out = fill(tmp_path / "in", "a.png"), tmp_path / "out"
    with held(out):
        code, _, errors = deblur(photos, "-o", out)
    assert code == 1
    assert errors == [f"unblur: another unblur is at work in {out}; wait for it"]


SLOW = """
import os, sys, time
from types import SimpleNamespace
from unblur import run
from unblur.engine import Contract
class Slow:
    engine = SimpleNamespace(contract=Contract())
    def __init__(self, *_, **__): pass
    def __call__(self, image, strength):
        time.sleep(float(os.environ.get("SECONDS", 0.02)))
        return 255 - image
run.Deblurrer = Slow
sys.argv[0] = "unblur"
from unblur.cli import app
app()
"""


def start(photos: Path, out: Path, seconds: float = 0.02) -> subprocess.Popen[str]:
    """A run in a process of its own, where a photo takes so long."""
    arguments = [sys.executable, "-c", SLOW, "deblur", str(photos), "-o", str(out)]
    pipe, environment = subprocess.PIPE, {**os.environ, "SECONDS": str(seconds)}
    return subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True, env=environment)


def wait_for(out: Path, photos: int) -> None:
    """Waits until so many results are there."""
    end = time.monotonic() + 30
    while time.monotonic() < end and len(list(out.rglob("[!.]*.png"))) < photos:
        time.sleep(0.002)


def test_killed_at_random_moments_the_tree_is_the_same(tmp_path: Path) -> None:
    photos = fill(tmp_path / "in", *(f"{i % 3}/{i:02d}.png" for i in range(60)))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(photos, whole)
    process.communicate(timeout=30)
    assert process.returncode == 0
    chance = random.Random(1)
    for number in (1, 14, 30, 45):
        process = start(photos, killed)
        wait_for(killed, number)
        time.sleep(chance.random() * 0.05)
        process.kill()
        process.communicate()
        assert 0 < len(list(killed.rglob("*.png"))) < 64
        assert process.returncode == -signal.SIGKILL
    process = start(photos, killed)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert " done before" in said
    assert tree(killed) == tree(whole)
    assert len(tree(whole)) == 61


def test_ctrl_c_finishes_the_photos_at_hand(tmp_path: Path) -> None:
    photos = fill(tmp_path / "in", *(f"{i:02d}.png" for i in range(60)))
    out = tmp_path / "out"
    process = start(photos, out)
    wait_for(out, 3)
    process.send_signal(signal.SIGINT)
    said, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in error
    done = len(list(out.glob("[!.]*.png")))
    assert f"{done} deblurred" in said
    assert f"unblur: stopped, {60 - done} left; the same command goes on with them" in error
    assert not list(out.glob(".unblur-*"))


def test_a_second_ctrl_c_drops_the_photos_at_hand(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "b.png"), tmp_path / "out"
    process = start(photos, out, seconds=20)
    end = time.monotonic() + 20
    while time.monotonic() < end and not (out / ".unblur.json").exists():
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "Ctrl-C again" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)
    assert process.returncode == 130
    assert sorted(tree(out)) == [".unblur.json"]


def test_standard_input_and_output(tmp_path: Path) -> None:
    source = fill(tmp_path, "a.png") / "a.png"
    run_it = CliRunner().invoke
    result = run_it(app, ["deblur", "-"], input=source.read_bytes())
    assert result.exit_code == 0
    assert np.array_equal(photo.read(result.stdout_bytes).pixels, 255 - PIXELS)
    out = tmp_path / "out.webp"
    result = run_it(app, ["deblur", "-", "-o", str(out)], input=source.read_bytes())
    assert result.exit_code == 0
    assert photo.read(out).format == "webp"
    made = run_it(app, ["deblur", str(source), "-o", "-"]).stdout_bytes
    assert np.array_equal(photo.read(made).pixels, 255 - PIXELS)
    for rubbish, reason in ((b"rubbish", "not a picture"), (b"", "is empty")):
        result = run_it(app, ["deblur", "-"], input=rubbish)
        assert (result.exit_code, result.stdout_bytes) == (1, b"")
        assert result.stderr.startswith("unblur: standard input: ")
        assert reason in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("IN",), "IN is a folder: name another for its results with -o"),
        (("IN", "-o", "IN"), "IN is the folder of the photos"),
        (("IN", "-o", "IN/a.png"), "is a file: name a folder"),
        (("-", "IN/a.png", "-o", "out"), "comes alone"),
        (("-", "--json"), "both go to standard output"),
        (("-", "-o", "IN"), "is a folder: name a file"),
        (("IN", "-o", "-"), "takes one photo"),
    ],
)
def test_what_cannot_be_asked_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "IN", "a.png")
    code, said, errors = deblur(*arguments)
    assert (code, said, len(errors)) == (2, [], 1)
    assert message in errors[0]
