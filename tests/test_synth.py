from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.files import write
from unblur import synth
from unblur.datasets import find_pairs, read_rgb
from unblur.errors import DataError
from unblur.synth import Options, synthesize_pairs


@pytest.fixture
def photos(tmp_path: Path, picture: np.ndarray) -> Path:
    """Two usable photos, and four that are not."""
    big = np.tile(picture, (2, 2, 1))
    for index in range(2):
        write(tmp_path / "photos" / f"{index}.png", np.roll(big, 9 * index, axis=0))
    write(tmp_path / "photos" / "small.png", picture)
    smooth = np.tile(np.linspace(0, 255, 240)[None, :, None], (192, 1, 3)).astype(np.uint8)
    write(tmp_path / "photos" / "soft.png", smooth)
    (tmp_path / "photos" / "text.jpg").write_text("no picture")
    return tmp_path / "photos"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_pairs_come_with_a_manifest_and_a_contact_sheet(photos: Path, tmp_path: Path) -> None:
    report = synthesize_pairs(photos, tmp_path / "pairs", Options(2, "mild"), 5)
    assert (report.made, report.kept) == (5, 0)
    pairs = find_pairs(tmp_path / "pairs", "train")
    lines = [json.loads(x) for x in (tmp_path / "pairs" / synth.MANIFEST).read_text().splitlines()]
    assert (lines[0]["source"], lines[0]["seed"], lines[0]["preset"]) == ("photos", 2, "mild")
    assert [line["name"] for line in lines[1:]] == [pair.name for pair in pairs]
    assert all(0 <= line["path_pixels"] <= 15.01 for line in lines[1:])
    assert {line["photo"] for line in lines[1:]} == {"0.png", "1.png", "small.png"}
    assert read_rgb(tmp_path / "pairs" / synth.OVERVIEW).shape[0] > 240


def test_photos_that_cannot_teach_are_skipped_with_a_reason(photos: Path, tmp_path: Path) -> None:
    report = synthesize_pairs(photos, tmp_path / "pairs")
    assert report.made == 2
    assert report.skipped.keys() == {"small.png", "soft.png", "text.jpg"}
    assert "too small; 144 pixels" in report.skipped["small.png"]
    assert report.skipped["soft.png"] == "is blurred itself"
    assert "not a picture" in report.skipped["text.jpg"]


def test_an_interrupted_run_goes_on_without_redoing(photos: Path, tmp_path: Path) -> None:
    synthesize_pairs(photos, tmp_path / "whole", count=4)

    def stop(done: int, total: int | None) -> None:
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        synthesize_pairs(photos, tmp_path / "parts", count=4, advance=stop)
    manifest = tmp_path / "parts" / synth.MANIFEST
    manifest.write_text(manifest.read_text() + '{"name": "torn')
    report = synthesize_pairs(photos, tmp_path / "parts", count=4)
    assert (report.made, report.kept) == (2, 2)
    assert tree(tmp_path / "whole") == tree(tmp_path / "parts")


def test_pairs_of_other_settings_are_not_mixed(photos: Path, tmp_path: Path) -> None:
    synthesize_pairs(photos, tmp_path / "pairs", count=1)
    with pytest.raises(DataError, match=r"other settings \(source photos, seed 0"):
        synthesize_pairs(photos, tmp_path / "pairs", Options(seed=1), count=1)
    (tmp_path / "pairs" / synth.MANIFEST).unlink()
    with pytest.raises(DataError, match=r"no manifest.jsonl"):
        synthesize_pairs(photos, tmp_path / "pairs", count=1)


def test_a_folder_of_frames_is_a_video(picture: np.ndarray, tmp_path: Path) -> None:
    for index in range(30):
        write(tmp_path / "clip" / f"{index:03d}.png", np.roll(picture, index // 2 * 2, axis=1))
    report = synthesize_pairs(tmp_path / "clip", tmp_path / "pairs", Options(frames=True))
    assert report.made >= 1
    assert report.skipped == {"15 frames": "are duplicates of the one before"}
    few = synthesize_pairs(
        tmp_path / "clip", tmp_path / "few", Options(frames=True, average=5, response="srgb")
    )
    assert few.made == 4
    lines = (tmp_path / "few" / synth.MANIFEST).read_text().splitlines()[1:]
    assert {(json.loads(x)["frames"], json.loads(x)["response"]) for x in lines} == {(5, "srgb")}


def test_sources_that_give_nothing_are_named(tmp_path: Path, picture: np.ndarray) -> None:
    write(tmp_path / "photos" / "small.png", picture)
    with pytest.raises(DataError, match=r"no photo can be used; small.png is too small"):
        synthesize_pairs(tmp_path / "photos", tmp_path / "pairs")
    with pytest.raises(DataError, match=r"none.mp4: does not exist"):
        synthesize_pairs(tmp_path / "none.mp4", tmp_path / "pairs2")
