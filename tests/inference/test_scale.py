"""`scale`: read alike everywhere, and told of each photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unblur
from tests.batch.folders import Inverter, deblur, fill, tree
from tests.files import write
from tests.inference.shaken import Shaken
from unblur import photo
from unblur.batch import runner
from unblur.batch.plan import Job
from unblur.inference.deblur_file import deblur_file
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.options import SMALLEST_SCALE, scale_of, scale_text
from unblur.inference.scales import LENGTHS


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("auto", "auto"), ("1", 1.0), (1, 1.0), (0.3, 0.3), ("0.5", 0.5), (".5", 0.5), ("1.", 1.0),
        ("1/3", 1 / 3), ("2/3", 2 / 3), ("1.5/2", 0.75), ("0.0625", 1 / 16), ("1/16", 1 / 16),
    ],
)  # fmt: skip
def test_numbers_and_fractions_are_scales(given: Any, expected: Any) -> None:
    assert scale_of(given) == Deblurrer(Shaken(0), scale=given).scale == expected


@pytest.mark.parametrize(
    "given",
    ["", "half", "50%", "2", "0", "-1", "1/0", "1/17", "3/2", "1/2/3", "nan", "1e-1", "0,5",
     "9" * 400 + "/" + "9" * 400, "1\n2", 0, 1.01, float("nan"), -0.5, "Auto"],
)  # fmt: skip
def test_anything_else_is_refused_in_one_line(given: Any) -> None:
    with pytest.raises(ValueError, match=r"^auto or a number from 1/16 to 1 .*, not .*$") as error:
        scale_of(given)
    assert len(str(error.value)) < 120
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("scale", [*LENGTHS, SMALLEST_SCALE, 0.75, 0.6, 0.0999])
def test_scales_are_written_as_they_are_read(scale: float) -> None:
    assert scale_of(scale_text(scale)) == scale


def test_the_function_works_at_the_scale(picture: np.ndarray, tmp_path: Path) -> None:
    expected = Deblurrer(scale=1 / 3)(picture)
    assert np.array_equal(unblur.deblur(picture, scale=1 / 3), expected)
    assert not np.array_equal(unblur.deblur(picture, scale=1), expected)
    path = write(tmp_path / "a.png", picture)
    assert deblur(path, "-o", tmp_path / "b.png", "--scale", "1/3")[0] == 0
    assert np.array_equal(photo.read(tmp_path / "b.png").pixels, expected)
    with pytest.raises(ValueError, match="1/16 to 1"):
        unblur.deblur(picture, scale=2)


@pytest.mark.parametrize("large", [False, True])
def test_a_file_is_told_its_scales(
    tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:
        monkeypatch.setattr("unblur.inference.deblur_file.IN_MEMORY", 0)
    path = write(tmp_path / "photo.png", np.tile(picture, (3, 3, 1)))

    def scales(length: float, scale: Any = "auto") -> dict[float, float]:
        deblurrer = Deblurrer(Shaken(length), scale=scale)
        found = deblur_file(deblurrer, path, tmp_path / "out.png", overwrite=True)
        assert found.changed
        assert np.array_equal(
            photo.read(tmp_path / "out.png").pixels, deblurrer(photo.read(path).pixels)
        )
        return found.scales

    assert scales(9) == {1.0: 1.0}
    assert scales(10000) == {1 / 4: 1.0}  # at a smaller one too little is left
    assert scales(10000, 0.3) == {0.3: 1.0}


@pytest.mark.usefixtures("inverter")
def test_verbose_and_json_tell_the_scales(tmp_path: Path) -> None:
    given = fill(tmp_path / "in", "a.png")
    code, said, errors = deblur(given / "a.png", "--json", "--verbose", "--overwrite")
    assert code == 0
    assert '"scales": {"1": 0.667, "1/2": 0.333}}' in said[0]
    assert errors[1:] == [f"unblur: {given}/a.png: 67 % at 1, 33 % at 1/2"]
    # As is everything but full size; without --verbose nothing is said.
    for options, last in (
        (("--scale", "0.25", "--verbose"), [f"unblur: {given}/a.png: 100 % at 1/4"]),
        (("--scale", "1", "--verbose"), []),
        ((), []),
    ):
        code, said, errors = deblur(given / "a.png", "--overwrite", *options)
        assert (code, errors["--verbose" in options :]) == (0, last)
    errors = deblur(given, "-o", tmp_path / "out", "--verbose")[2]
    assert f"unblur: {given}/a.png: 67 % at 1, 33 % at 1/2" in errors
    errors = deblur(given, "-o", tmp_path / "out", "--verbose")[2]
    assert errors == ["unblur: default, upside down"]  # done before


@pytest.mark.usefixtures("inverter")
def test_a_folder_never_mixes_scales(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "a.png"), tmp_path / "out"
    assert deblur(photos, "-o", out, "--scale", "1/3")[0] == 0
    before = tree(out)
    for other in ((), ("--scale", "0.3333")):
        code, _, errors = deblur(photos, "-o", out, *other)
        assert (code, len(errors)) == (1, 1)
        assert f"{out}: holds results made with other settings (scale)" in errors[0]
    assert tree(out) == before
    assert "1 done before" in deblur(photos, "-o", out, "--scale", "1/3")[1][0]


def test_a_scale_that_is_none_ends_with_2(tmp_path: Path) -> None:
    code, said, errors = deblur(fill(tmp_path, "a.png") / "a.png", "--scale", "2")
    assert (code, said) == (2, [])
    assert errors[-1].endswith("1/16 to 1 was expected (0.5, 1/3), not '2'")


def test_a_videos_frames_have_one_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself full size, and segments of another scale are not taken for its own."""
    asked: list[tuple[object, str]] = []
    monkeypatch.setattr(
        "unblur.video.deblur_video",
        lambda deblurrer, *_, identity: asked.append((deblurrer.scale, identity)),
    )
    (tmp_path / "clip.mp4").write_bytes(b"frames")
    job = Job(str(tmp_path / "clip.mp4"), str(tmp_path / "out.mp4"))
    for scale in ("auto", 1, 0.5):
        deblurrer = Deblurrer(Shaken(0), tile=512, best=True, masked=False, scale=scale)
        outcome = runner.deblur_one(deblurrer, runner.Options(), job)
        assert outcome.scales is None
        assert deblurrer.scale == scale
    scales, identities = zip(*asked, strict=True)
    assert scales == (1.0, 1.0, 0.5)
    assert identities[0] == identities[1] != identities[2]
    assert all("512" in one and "best" in one for one in identities)
    full = runner._for_video(Deblurrer(Shaken(0), tile=512, best=True, masked=False))
    assert (full.tile, full.best, full.masked) == (512, True, False)
    inverter: Any = Inverter(scale=0.5)
    assert runner._for_video(inverter) is inverter
