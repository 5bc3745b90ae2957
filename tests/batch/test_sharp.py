"""`unblur deblur --only-blurred`: which photos are left as they are, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.batch.folders import deblur, tree
from tests.files import write
from tests.inspection.maps import brightness
from unblur import photo
from unblur.cli import app

pytestmark = pytest.mark.usefixtures("inverter", "measured")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unblur.batch.sharp.inspect_source", brightness)
    monkeypatch.setattr("unblur.inference.inspector.Inspector", lambda *_, **__: None)


def photos(folder: Path, **scores: int) -> Path:
    for name, score in scores.items():
        write(folder / f"{name}.png", np.full((16, 16, 3), score, np.uint8))
    return folder


def test_sharp_photos_are_copied_and_the_others_deblurred(tmp_path: Path) -> None:
    given, out = photos(tmp_path / "in", a=20, b=60, c=90), tmp_path / "out"
    code, said, errors = deblur(given, "-o", out, "--only-blurred", 60, "--json", "--jobs", 1)
    assert (code, errors) == (0, [])
    *lines, summary = map(json.loads, said)
    assert [(line["score"], line["status"], line.get("why")) for line in lines] == [
        (20, "done", None), (60, "unchanged", "sharp enough"), (90, "unchanged", "sharp enough"),
    ]  # fmt: skip
    assert (summary["summary"]["done"], summary["summary"]["unchanged"]) == (1, 2)
    assert photo.read(out / "a.png").pixels.max() == 235
    for name in ("b.png", "c.png"):
        assert (out / name).read_bytes() == (given / name).read_bytes()
    code, said, _ = deblur(given, "-o", out, "--only-blurred", 60)
    assert "0 deblurred, 3 done before" in said[0]


@pytest.mark.parametrize("other", [(), ("--only-blurred",), ("--only-blurred", 50)])
def test_another_score_is_another_setting(tmp_path: Path, other: tuple[object, ...]) -> None:
    given, out = photos(tmp_path / "in", a=20), tmp_path / "out"
    assert deblur(given, "-o", out, "--only-blurred", 60)[0] == 0
    before = tree(out)
    code, _, errors = deblur(given, "-o", out, *other)
    assert code == 1
    assert "other settings (only_blurred)" in errors[0]
    assert tree(out) == before


def test_without_a_place_for_results_a_sharp_photo_gets_none(tmp_path: Path) -> None:
    given = photos(tmp_path, a=20, b=90)
    code, said, _ = deblur(given / "b.png", given / "a.png", "--only-blurred", "--jobs", 1)
    assert code == 0
    assert said[0].startswith(f"{given}/b.png  ")
    assert said[0].endswith("  (sharp enough, 90 of 100: left alone)")
    assert said[1].startswith(f"{given}/a-deblurred.png  ")
    assert sorted(tree(given)) == ["a-deblurred.png", "a.png", "b.png"]
    code, said, _ = deblur(given / "b.png", "-o", given / "c.webp", "--only-blurred")
    assert said[0].endswith("  (sharp enough, 90 of 100: copied as it is)")
    assert photo.read(given / "c.webp").format == "webp"


def test_what_follows_the_option_is_a_score_or_a_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos(tmp_path, a=69, b=71))
    for given in (
        ("--only-blurred", "a.png", "b.png"),
        ("--only-blurred", "70", "a.png", "b.png"),
        ("--only-blurred=70", "a.png", "b.png"),
        ("a.png", "b.png", "--only-blurred"),
        ("a.png", "b.png", "--only-blurred", "--jobs", "1"),
        ("--only-blurred", "--", "a.png", "b.png"),
    ):
        assert deblur(*given)[0] == 0
        assert sorted(tree(tmp_path)) == ["a-deblurred.png", "a.png", "b.png"]
        Path("a-deblurred.png").unlink()
    for wrong in (("--only-blurred=much",), ("--only-blurred", "101"), ("--only-blurred=",)):
        code, _, errors = deblur("a.png", *wrong)
        assert code == 2
        assert "only-blurred" in "".join(errors)


def test_a_broken_photo_is_a_failure_and_a_video_is_deblurred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = photos(tmp_path / "in", a=90), tmp_path / "out"
    (given / "b.png").write_text("rubbish")
    (given / "clip.mp4").write_bytes(b"frames")
    monkeypatch.setattr(
        "unblur.video.deblur_video", lambda _, path, made, *__, **___: made.write_bytes(b"x")
    )
    code, said, errors = deblur(given, "-o", out, "--only-blurred", "--jobs", 1)
    assert code == 1
    assert "1 deblurred, 1 copied as they were, 1 failed" in said[0]
    assert errors[0] == f"unblur: {given}/clip.mp4: is a video, and deblurred whole, sharp or not"
    assert errors[1].startswith(f"unblur: {given}/b.png: ")
    assert sorted(tree(out)) == [".unblur.json", "a.png", "clip.mp4"]


def test_a_stream_comes_out_as_it_went_in(tmp_path: Path) -> None:
    source = (photos(tmp_path, a=90) / "a.png").read_bytes()
    result = CliRunner().invoke(app, ["deblur", "-", "--only-blurred"], input=source)
    assert (result.exit_code, result.stdout_bytes) == (0, source)
    result = CliRunner().invoke(app, ["deblur", "-", "--only-blurred", "95"], input=source)
    assert photo.read(result.stdout_bytes).pixels.max() == 165
