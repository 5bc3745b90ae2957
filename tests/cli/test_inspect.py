"""`unblur inspect`: what it lists, draws, chooses and brings together, and what it refuses."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.batch.folders import tree
from tests.files import unblur, write
from tests.inspection.maps import brightness
from tests.inspection.test_bursts import exif, jpeg
from unblur import photo
from unblur.batch.inspecting import Found
from unblur.batch.plan import Job, Plan
from unblur.cli import app
from unblur.cli.inspect_report import Report


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unblur.batch.inspecting.inspect_source", brightness)
    monkeypatch.setattr("unblur.inference.inspector.Inspector", lambda *_, **__: None)


def inspect(*arguments: object) -> tuple[int, list[str], list[str]]:
    result = CliRunner().invoke(app, ["inspect", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout.splitlines(), result.stderr.splitlines()


def found(*arguments: object) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """What --json prints: an object per photo by its name, and the sum."""
    *lines, last = map(json.loads, inspect(*arguments, "--json")[1])
    return {Path(line["input"]).name: line for line in lines}, last["summary"]


def photos(folder: Path, **scores: int) -> Path:
    for name, score in scores.items():
        write(folder / f"{name.replace('__', '/')}.png", np.full((32, 48, 3), score, np.uint8))
    return folder


def listed(lines: list[str]) -> list[tuple[str, str]]:
    """Names and scores of the lines for programs."""
    return [(Path(line.split("\t")[-1]).stem, line.split("\t")[0]) for line in lines]


def test_a_line_for_each_photo_in_order(tmp_path: Path) -> None:
    given = photos(tmp_path / "in", b=20, a=90, sub__c=60)
    (given / "notes.txt").write_text("notes")
    (given / "clip.mp4").write_bytes(b"frames")
    code, said, errors = inspect(given)
    assert code == 0
    assert said == [
        f"90\t1.0\t12.0\t45\t0.0\tcamera shake\t{given}/a.png",
        f"20\t1.0\t12.0\t45\t0.0\tcamera shake\t{given}/b.png",
        f"60\t1.0\t12.0\t45\t0.0\tcamera shake\t{given}/sub/c.png",
    ]
    assert errors[0].startswith(
        "unblur: 3 inspected, 2 of them blurred (a score below 70), "
        "1 other file left alone, 1 video left alone  "
    )
    for order, names in (("blurred", "bca"), ("sharp", "acb")):
        assert [name for name, _ in listed(inspect(given, "--sort", order)[1])] == list(names)
    assert [name for name, _ in listed(inspect("--sort", given)[1])] == list("bca")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout", Terminal())
    report = Report(Plan(), False, None, False)
    source = np.full((32, 48, 3), 20, np.uint8)
    for name in ("a long name" * 20, "b"):
        found = Found(Job(name, name), 0.1, brightness(None, source))
        report.add(found, True, None, None)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", sys.stdout.getvalue()).splitlines()  # pyright: ignore
    assert " ".join(lines[0].split()) == "score blurred length direction radius kind photo"
    assert lines[1].endswith("a long name" * 20)
    assert " ".join(lines[2].split()) == "20 100% 12.0 45 deg / - camera shake b"
    assert lines[0].index("photo") == lines[1].index("a long") == lines[2].rindex("b")


def test_exact_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(
        "unblur.inference.inspector.Inspector", lambda *_, exact: asked.append(exact)
    )
    given = photos(tmp_path, a=20)
    assert inspect(given / "a.png")[0] == inspect(given / "a.png", "--exact")[0] == 0
    assert asked == [False, True]


def test_json_agrees_with_the_object(tmp_path: Path) -> None:
    given = photos(tmp_path, a=20)
    lines, summary = found(given / "a.png")
    expected = brightness(None, photo.read(given / "a.png").pixels)
    assert lines["a.png"].items() >= expected.as_dict().items()
    assert (lines["a.png"]["width"], lines["a.png"]["height"]) == (48, 32)
    assert "chosen" not in lines["a.png"]
    del summary["seconds"]
    assert summary == {"done": 1, "failed": 0, "others": 0, "videos": 0}


def test_what_cannot_be_inspected_gets_a_line_each(tmp_path: Path) -> None:
    given = photos(tmp_path / "in", a=20, z=90)
    (given / "rubbish.png").write_text("rubbish")
    (given / "gone.png").symlink_to("nothing")
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    code, said, errors = inspect(given, tmp_path / "clip.mp4", tmp_path / "missing.jpg")
    assert code == 1
    assert [name for name, _ in listed(said)] == ["a", "z"]
    assert [line.split(": ", 2)[1] for line in errors[:-1]] == [
        f"{given}/gone.png", f"{given}/rubbish.png", f"{tmp_path}/clip.mp4",
        f"{tmp_path}/missing.jpg",
    ]  # fmt: skip
    assert "is a video; a photo was expected" in errors[2]
    assert "2 inspected" in errors[-1]
    assert "4 failed" in errors[-1]
    assert inspect(given / "a.png", "--max-pixels", 100)[2][0].endswith("--max-pixels raises it")


def test_photos_below_a_score_are_copied_with_their_times(tmp_path: Path) -> None:
    given, out = photos(tmp_path / "in", a=20, b=90, sub__c=60), tmp_path / "in" / "out"
    os.utime(given / "a.png", (1e9, 1e9))
    lines, summary = found(given, "--below", 70)
    assert [line["chosen"] for line in lines.values()] == [True, False, True]
    assert (summary["done"], summary["chosen"]) == (3, 2)
    for _ in range(2):  # the second time they are there already, and are not inspected
        code, said, errors = inspect(given, "--below", 70, "--copy-to", out)
        assert (code, listed(said)) == (0, [("a", "20"), ("c", "60")])
        assert errors[0].startswith(f"unblur: 3 inspected, 2 chosen, in {out}  ")
    assert sorted(tree(out)) == ["a.png", "sub/c.png"]
    assert (out / "a.png").read_bytes() == (given / "a.png").read_bytes()
    assert (out / "a.png").stat().st_mtime == 1e9


def test_no_other_photo_is_replaced(tmp_path: Path) -> None:
    one, two, out = (tmp_path / name for name in ("one", "two", "out"))
    photos(one, a=20)
    photos(two, a=30)
    for options in (("--copy-to", out), ("--link-to", out), ("--copy-to", out, "--overwrite")):
        code, said, errors = inspect(one, two, "--below", 70, *options)
        assert (code, listed(said)) == (1, [("a", "20")])
        assert errors[0] == f"unblur: {two}/a.png: {out}/a.png: exists already, and is another file"
        assert (out / "a.png").read_bytes() == (one / "a.png").read_bytes()


def test_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, out = photos(tmp_path / "in", a=20, b=90), tmp_path / "out"
    (given / "c.png").symlink_to("a.png")
    assert inspect(given, "--below", 70, "--link-to", out)[0] == 0
    for name in ("a.png", "c.png"):
        assert (out / name).samefile(given / "a.png")
        assert not (out / name).is_symlink()

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr("unblur.batch.collect.os.link", refuse)
    other = tmp_path / "other"
    code, said, errors = inspect(given, "--below", 70, "--link-to", other)
    assert (code, said, len(errors)) == (1, [], 1)
    assert errors[0].endswith(f"{other}, which is another file system; --copy-to copies it")
    assert not other.exists()


def burst(folder: Path, name: str, score: int, second: int, scene: int = 0) -> None:
    """A photo of a scene, whose brightest sample is its score."""
    pixels = np.random.default_rng(scene).uniform(0, 1, (12, 16, 1)) * np.ones(3)
    pixels = np.kron(pixels / pixels.max(), np.ones((16, 16, 1))) * score
    jpeg(folder / name, pixels.round().astype(np.uint8), exif(f"2024:05:06 12:34:{second:02d}"))


def test_the_best_of_each_burst(tmp_path: Path) -> None:
    given, out = tmp_path / "in", tmp_path / "out"
    for name, score, second, scene in (
        ("a.jpg", 30, 1, 0), ("b.jpg", 60, 2, 0), ("c.jpg", 45, 3, 0), ("d.jpg", 20, 3, 1),
        ("e.jpg", 90, 40, 0),
    ):  # fmt: skip
        burst(given, name, score, second, scene)
    photos(given, f=10)
    lines, summary = found(given, "--best", 1)
    assert [line["burst"] for line in lines.values()] == [1, 1, 1, 2, 3, 4]
    assert [name for name, line in lines.items() if line["chosen"]] == [
        "b.jpg", "d.jpg", "e.jpg", "f.png"
    ]  # fmt: skip
    assert summary["chosen"] == 4
    code, said, _ = inspect(given, "--best", 2, "--below", 70, "--sort", "--copy-to", out)
    assert code == 0
    assert [name for name, _ in listed(said)] == list("fdcb")
    assert sorted(tree(out)) == ["b.jpg", "c.jpg", "d.jpg", "f.png"]


def test_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos(tmp_path, a=200, in__b=20, in__sub__c=90))
    code, _, errors = inspect("a.png", "--map")
    assert (code, errors) == (0, [])
    drawn = photo.read(Path("a-map.png")).pixels
    assert drawn.shape == (32, 48, 3)
    assert np.median(drawn) < 110
    assert drawn.max(2).max() > 150  # the strokes
    code, _, errors = inspect("a.png", "--map")
    assert code == 1
    assert errors[0] == "unblur: a.png: a-map.png: exists already; --overwrite replaces it"
    assert inspect("a.png", "--map", "--overwrite")[0] == 0
    lines, _ = found("a.png", "--map", "new/map.png")
    assert lines["a.png"]["map"] == "new/map.png"
    assert Path("new/map.png").read_bytes() == Path("a-map.png").read_bytes()
    for again in ((), ("--overwrite",)):  # maps in an input are not inspected
        code, said, _ = inspect("in", "--map", "in/maps", *again)
        assert (code, len(said)) == (0, 2)
        assert sorted(tree(Path("in/maps"))) == ["b.png.png", "sub/c.png.png"]
    code, _, errors = inspect("a.png", "a-map.png", "--map", "--overwrite", "--jobs", 1)
    assert code == 1
    assert errors[0] == "unblur: a.png: would have its map written over the photo a-map.png"
    code, _, errors = inspect("a.png", "in/../a.png", "--map", "both")
    assert code == 1
    assert "a.png: would have its map in both/a.png.png, as a.png does" in errors[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("IN", "--copy-to", "x"), "--copy-to needs --below SCORE or --best N"),
        (("IN", "--link-to", "x"), "--link-to needs --below SCORE or --best N"),
        (("IN", "--below", "5", "--copy-to", "x", "--link-to", "y"), "choose one of them"),
        (("IN", "--below", "5", "--copy-to", "IN"), "IN is the folder of the photos"),
        (("IN", "--below", "5", "--copy-to", "IN/a.png"), "is a file: name a folder"),
        (("IN", "--map"), "IN is a folder: name another for its maps"),
        (("IN", "--map", "IN"), "IN is the folder of the photos"),
        (("IN", "--map", "m.png"), "m.png is one file, but there are several photos"),
        (("IN/a.png", "IN/a.png", "--map", "m.png"), "there are several photos"),
        (("IN/a.png", "--map", "m.jpg"), "maps are PNG files"),
        (("IN", "--below", "101"), "below"),
        (("IN", "--below", "much"), "below"),
        (("IN", "--best", "0"), "best"),
        (("IN", "--sort=size"), "one of blurred, sharp was expected, not size"),
        ((), ""),
    ],
)
def test_what_cannot_be_asked_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = tree(photos(tmp_path / "IN", a=20))
    code, said, errors = inspect(*arguments)
    assert code == 2
    assert message in "\n".join(errors + said)
    assert tree(tmp_path / "IN") == before


def test_ctrl_c_ends_it_and_chooses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = photos(tmp_path / "in", **{f"p{i:02d}": 20 for i in range(30)}), tmp_path / "out"

    def interrupted(inspector: object, source: np.ndarray) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        stopped.append(True)
        monkeypatch.setattr("unblur.batch.inspecting.inspect_source", brightness)
        return brightness(inspector, source)

    stopped: list[bool] = []
    monkeypatch.setattr("unblur.batch.inspecting.inspect_source", interrupted)
    code, said, errors = inspect(given, "--best", 1, "--copy-to", out, "--jobs", 1)
    assert (code, said) == (130, [])
    assert errors[-1].startswith("unblur: stopped, ")
    assert not out.exists()


def test_a_blurred_photo_scores_below_its_sharp_original(tmp_path: Path) -> None:
    """In a process of its own, with the network."""
    rng = np.random.default_rng(1)
    sharp = np.kron(rng.uniform(0, 255, (24, 24, 1)), np.ones((12, 12, 3)))
    blurred = np.mean([np.roll(sharp, k, 1) for k in range(16)], 0)
    write(tmp_path / "blurred.png", blurred.astype(np.uint8))
    write(tmp_path / "sharp.png", sharp.astype(np.uint8))
    ran = unblur("inspect", tmp_path, "--sort", "sharp")
    assert (ran.returncode, ran.stderr.count("\n")) == (0, 1)
    assert [name for name, _ in listed(ran.stdout.splitlines())] == ["sharp", "blurred"]
