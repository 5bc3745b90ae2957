"""Folders of photos: mirrored, and nothing lost unsaid."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.batch.folders import PIXELS, deblur, fill, tree
from unblur import photo
from unblur.batch.plan import plan
from unblur.inference.deblur_file import Deblurred

pytestmark = pytest.mark.usefixtures("inverter")


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
    assert [line.split(": ", 2)[1:] for line in errors] == [
        [f"{photos}/self.png", "is a symbolic link in a circle, and not followed"],
        [f"{photos}/sub/up", "is a symbolic link in a circle, and not followed"],
        [f"{photos}/gone.png", "is a symbolic link to nothing"],
        [f"{photos}/empty.jpg", "is empty; a photo was expected"],
        [f"{torn}", errors[-1].split(": ", 2)[-1]],
    ]
    assert sorted(tree(out)) == [".unblur.json", "a.png", "z.jpg"]


def test_an_unreadable_folder_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "shut/b.png"), tmp_path / "out"
    scan: Callable[..., Any] = os.scandir

    def refuse(folder: str) -> Any:  # as root, who may run this, can read every folder
        if str(folder).endswith("shut"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return scan(folder)

    monkeypatch.setattr("unblur.batch.plan.os.scandir", refuse)
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
    clash += "; deblur it by itself, with -o naming another file"
    assert errors == [clash, clash]  # at the start, and in the list at the end
    assert sorted(tree(out)) == [".unblur.json", "one.png", "two.png", "x.png"]
    monkeypatch.setattr("unblur.batch.plan._folds_case", lambda _: True)
    fill(tmp_path / "case", "é.png", "E\u0301.png", "b.png")
    found = plan([tmp_path / "case"], out)
    assert [c.path for c in found.clashes] == [f"{tmp_path}/case/é.png"]
    # A result is never written over an input.
    inner = fill(tmp_path / "two" / "in", "x.png")
    found = plan([inner, second / "x.png"], second)
    over = f"would be written over the input {second}/x.png; "
    assert str(found.clashes[0].error).startswith(over)


def test_a_photo_is_not_left_out_for_one_that_cannot_be_written(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    photos, out = fill(tmp_path / "in", "IMG_1.jpg"), tmp_path / "out"
    deep = PIXELS.astype(np.uint16) * 257
    file = heif.from_bytes("RGB;16", (16, 16), deep.tobytes())
    for name in ("IMG_1.heic", "IMG_2.heic"):
        file.save(photos / name, quality=-1)
    code, said, errors = deblur(photos, "-o", out, "--jobs", 1)
    assert (code, sorted(tree(out))) == (1, [".unblur.json", "IMG_1.jpg"])
    assert said[0].startswith(f"{out}: 1 deblurred, 2 failed")
    clash = f"unblur: {photos}/IMG_1.heic: would be written to {out}/IMG_1.jpg, as {photos}/IMG_1"
    assert errors[1] == f"{clash}.jpg will be; deblur it by itself, with -o naming another file"
    assert errors[2] == (
        f"unblur: {photos}/IMG_2.heic: has 16 bit a channel, which JPEG cannot hold; "
        "deblur it by itself, with -o naming a png file"
    )
    # What the lines say can be done.
    for name in ("IMG_1", "IMG_2"):
        code, _, errors = deblur(photos / f"{name}.heic", "-o", tmp_path / f"{name}.png")
        assert (code, errors) == (0, [])
        assert photo.read(tmp_path / f"{name}.png").dtype == np.uint16


def test_content_decides_what_is_a_photo(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "a.jpg", "b.png", "c.png", "d.png", "e.jpg"), tmp_path / "o"
    for old, new in (
        ("a.jpg", "scan"), ("b.png", "b.dat"), ("c.png", "C.JPG"), ("d.png", "d.png.part"),
        ("e.jpg", "e.jpg_original"),
    ):  # fmt: skip
        (photos / old).rename(photos / new)
    (photos / "shot.nef").write_bytes(b"II*\0" + bytes(100))
    code, said, errors = deblur(photos, "-o", out)
    assert (code, errors) == (0, [])
    assert said[0].startswith(f"{out}: 3 deblurred, 3 other files left alone")
    made = {name: photo.read(out / name).format for name in tree(out) if name[0] != "."}
    assert made == {"scan.jpg": "jpeg", "b.dat.png": "png", "C.JPG": "jpeg"}
    assert deblur(photos / "scan")[0] == 0
    assert photo.read(photos / "scan-deblurred.jpg").format == "jpeg"


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


def test_json_is_whole_beside_a_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal, with standard output in a file
    _, said, _ = deblur(fill(tmp_path / "in", "a.png"), "-o", tmp_path / "out", "--json")
    assert [next(iter(json.loads(line))) for line in said] == ["input", "summary"]


def test_a_full_disk_and_a_closed_folder_leave_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "sub/b.png"), tmp_path / "out"
    code, _, errors = deblur(photos, "-o", "/proc/unblur")
    assert (code, len(errors)) == (1, 1)
    assert errors[0].startswith("unblur: /proc/unblur: cannot be made (")
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if os.fstat(descriptor).st_size > 200:  # a photo, not the settings
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr("unblur.photo.files.os.fsync", full)
    code, _, errors = deblur(photos, "-o", out)
    assert code == 1
    assert len(errors) == 2
    for line, name in zip(errors, ("a.png", "sub/b.png"), strict=True):
        assert line.startswith(f"unblur: {photos}/{name}: {out}/{name}")
        assert line.endswith("cannot be written (No space left on device)")
    assert sorted(tree(out)) == [".unblur.json"]


def test_videos_and_the_limit_of_pixels_are_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, out = fill(tmp_path / "in", "a.png"), tmp_path / "out"
    (photos / "clip.mp4").write_bytes(b"frames")
    asked: list[object] = []

    def deblur_video(
        _: object, path: Path, made: Path, strength: float, overwrite: bool, codec: str,
        quality: int, *_more: object, identity: str,
    ) -> None:  # fmt: skip
        asked.append((strength, overwrite, codec, quality, identity))
        made.write_bytes(path.read_bytes()[::-1])

    def deblur_file(_: object, path: Path, made: Path, *options: object) -> Deblurred:
        asked.append(options[:3])
        made.write_bytes(path.read_bytes())
        return Deblurred(False, {1.0: 1.0})

    monkeypatch.setattr("unblur.video.deblur_video", deblur_video)
    monkeypatch.setattr("unblur.batch.runner.deblur_file", deblur_file)
    code, said, _ = deblur(photos, "-o", out, "--max-pixels", 100, "--jobs", 1,
                           "--codec", "av1", "--quality", 9, "--best")  # fmt: skip
    assert code == 0
    assert said[0].startswith(f"{out}: 1 deblurred, 1 copied as they were  ")
    assert asked == [(1.0, False, 100), (1.0, False, "av1", 9, "0 1280 1.0 best")]
    assert (out / "clip.mp4").read_bytes() == b"semarf"
    assert (out / "clip.mp4").stat().st_mtime_ns == (photos / "clip.mp4").stat().st_mtime_ns
