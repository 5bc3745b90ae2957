"""A folder is gone on with after a kill at any moment, and results of two kinds never mix."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.batch.folders import PIXELS, Inverter, deblur, fill, start, tree, wait_for
from tests.files import write
from unblur import photo
from unblur.batch import folder

pytestmark = pytest.mark.usefixtures("inverter")


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
        f"unblur: {others}/a.png: {out}/a.png: exists already, and is of another photo or was "
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
        f"unblur: {out}: holds results made with other settings (strength, tile); --overwrite "
        "replaces it"
    ]
    assert tree(out) == before
    with monkeypatch.context() as patch:  # cut short while it replaces
        patch.setattr(folder, "deblur_folder", lambda *_: iter(()))
        assert deblur(photos, "-o", out, "--strength", 0, "--overwrite")[0] == 130
    code, _, errors = deblur(photos, "-o", out, "--strength", 0)
    assert code == 1
    assert "that a run was replacing, which was not finished; --overwrite" in errors[0]
    assert deblur(photos, "-o", out, "--strength", 0, "--overwrite")[0] == 0
    assert deblur(photos, "-o", out, "--strength", 0)[0] == 0
    assert (out / "a.png").read_bytes() == (photos / "a.png").read_bytes()
    # Less memory at hand now does not make it another tile.
    monkeypatch.setattr(folder, "tile_for_memory", lambda _: 384)
    assert deblur(photos, "-o", out, "--strength", 0)[0] == 0
    assert json.loads((out / ".unblur.json").read_text())["tile"] != 384


def test_files_of_other_origin_stop_the_run(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "a.png"), tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_text("precious")
    for _ in range(2):
        code, _, errors = deblur(photos, "-o", out)
        assert code == 1
        assert "a.png: exists already, and is not a result of such a run" in errors[0]
    assert tree(out) == {"a.png": b"precious"}


def test_two_runs_keep_out_of_each_others_way(tmp_path: Path) -> None:
    from unblur.photo.files import locked

    photos, out = fill(tmp_path / "in", "a.png"), tmp_path / "out"
    with locked(out):
        code, _, errors = deblur(photos, "-o", out)
    assert code == 1
    assert errors == [f"unblur: {out}: is in use by another unblur; wait for it"]


def test_killed_at_random_moments_the_tree_is_the_same(tmp_path: Path) -> None:
    photos = fill(tmp_path / "in", *(f"{i % 3}/{i:02d}.png" for i in range(60)))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(photos, whole)
    process.communicate(timeout=60)
    assert process.returncode == 0
    for number in (4, 14, 14, 14):
        process = start(photos, killed, kill=number)
        process.communicate(timeout=60)
        assert 0 < len(list(killed.rglob("*.png"))) < 64
        assert process.returncode == -signal.SIGKILL
    process = start(photos, killed)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert " done before" in said
    assert tree(killed) == tree(whole)
    assert len(tree(whole)) == 61


def test_ctrl_c_finishes_the_photos_at_hand(tmp_path: Path) -> None:
    photos = fill(tmp_path / "in", *(f"{i:02d}.png" for i in range(60)))
    out = tmp_path / "out"
    process = start(photos, out, seconds=0.3)
    wait_for(out, 3)
    process.send_signal(signal.SIGINT)
    said, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error
    done = len(list(out.glob("[!.]*.png")))
    assert f"{done} deblurred" in said
    assert f"unblur: stopped, {60 - done} left; the same command continues with them" in error
    assert not list(out.glob(".unblur-*"))


def test_a_second_ctrl_c_drops_the_photos_at_hand(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "b.png"), tmp_path / "out"
    process = start(photos, out, seconds=20)
    assert process.stderr is not None
    for said in ("begun", "Ctrl-C again"):
        assert any(said in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)
    assert process.returncode == 130
    assert sorted(tree(out)) == [".unblur.json"]
