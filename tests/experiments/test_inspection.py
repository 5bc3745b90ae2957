"""The measurements of docs/inspect.md: laws of what they are made of, and a run on two photos."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from experiments import ROOT, documents
from experiments.inspection import baselines, gains, pictures, table
from experiments.inspection.__main__ import NAMES, main
from experiments.inspection.statistics import Sample, correlations, median

from tests.files import write
from unblur import Deblurrer
from unblur.robustness.scene import Scene, make_scene


@pytest.fixture
def photo(picture: np.ndarray) -> np.ndarray:
    """(384, 480, 3), room for a scene of 192x192."""
    return np.tile(picture, (4, 4, 1))


@pytest.fixture
def scene(photo: np.ndarray) -> Scene:
    made = make_scene("a", photo, 192, 1, 40, ("straight", "smooth"))
    assert made
    return made


def test_the_measures_of_others_are_those_of_opencv_and_order_blur(scene: Scene) -> None:
    grey = cv2.cvtColor(scene.sharp, cv2.COLOR_RGB2GRAY)
    assert np.abs(baselines.to_grey(scene.sharp) - grey).max() < 0.51  # OpenCV rounds
    exact = grey.astype(np.float64)
    laplacian = cv2.Laplacian(grey, cv2.CV_64F).var()
    assert baselines.variance_of_laplacian(exact) == pytest.approx(laplacian)
    sobel = [cv2.Sobel(grey, cv2.CV_64F, *axis) for axis in ((1, 0), (0, 1))]
    assert baselines.tenengrad(exact) == pytest.approx(sum((g**2).mean() for g in sobel))
    # NIQE says nothing of a pattern that repeats.
    found = [baselines.measure(pictures.defocused(scene.sharp, r)) for r in (0.5, 1.5, 4)]
    for name in baselines.MEASURES:
        assert found[0][name] > found[1][name] > found[2][name], name


def test_directions_are_counter_clockwise_from_the_horizontal() -> None:
    time = torch.linspace(-1, 1, 65)
    for degrees in (0, 30, 90, 135, 179):
        angle = torch.deg2rad(torch.tensor(float(degrees)))
        path = torch.stack([time * angle.cos(), -time * angle.sin()], dim=1)
        assert pictures.turn_between(pictures.direction(path), degrees) < 1e-3
    assert pictures.turn_between(np.array([1.0, 179, 90, 200]), 0).tolist() == [1, 1, 90, 20]


def test_blur_is_made_where_it_should_be(scene: Scene) -> None:
    assert np.array_equal(pictures.defocused(scene.sharp, 0), scene.sharp)
    still, moved = (pictures.with_moving_subject(scene, n) for n in (0, 20))
    changed = (still != moved).any(2).mean()
    assert 0.01 < changed < 0.8
    # Where the subject never is, the scene is as it was.
    behind = (moved == scene.sharp).all(2)
    assert behind.mean() > 0.2
    large = pictures.enlarge(scene.sharp, 1)
    assert large.shape == (576, 576, 3)
    assert pictures.largest([("a", scene.sharp), ("b", large)], 1)[0][0] == "b"


def test_rank_correlations_ignore_what_is_monotone_and_photos_within() -> None:
    samples = [
        Sample(photo, truth, {"good": -(truth**2), "content": offset - truth, "flat": 1.0})
        for photo, offset in (("a", 0), ("b", 1000))
        for truth in (1.0, 5.0, 10.0, 20.0)
    ]
    found = correlations(samples, 0)
    assert found["good"] == {"all": pytest.approx(1), "within": pytest.approx(1)}
    assert found["content"]["within"] == pytest.approx(1)
    every = found["content"]["all"]
    assert every is not None
    assert every < 0.6
    assert found["flat"] == {"all": None, "within": None}
    assert len(correlations(samples, 5)) == 3
    values = np.array([[3.0, 1.0], [2.0, 9.0]])
    assert median(values, np.ones((2, 2))) == 2
    assert median(values, np.array([[0, 0], [0, 1.0]])) == 9
    assert median(values, np.zeros((2, 2))) == 0


def test_at_full_scale_it_is_the_deblurrer_and_half_size_removes_long_blur(scene: Scene) -> None:
    deblurrer = Deblurrer(precision="f32")
    blurred, _ = scene.shoot(8, kind="smooth")
    whole, half = (gains.at_scale(deblurrer, scale)(blurred) for scale in (1.0, 0.5))
    assert np.array_equal(whole, deblurrer(blurred))
    assert half.shape == blurred.shape
    assert half.dtype == np.uint8
    assert not np.array_equal(half, whole)
    assert [gains.as_text(s) for s in ("auto", 1.0, 2 / 3, 0.5, 0.3)] == [
        "auto", "1", "2/3", "1/2", "0.3",
    ]  # fmt: skip


def test_one_command_measures_all_and_writes_the_tables(
    photo: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "photos" / "a.png", photo)
    write(tmp_path / "pairs" / "blur" / "0.png", (photo // 2 + np.roll(photo, 5, axis=1) // 2))
    write(tmp_path / "pairs" / "sharp" / "0.png", photo)
    document = tmp_path / "inspect.md"
    document.write_text((ROOT / "docs" / "inspect.md").read_text())
    places = ["--table", str(document), "--out", str(tmp_path / "out")]
    assert main(places) == 1
    assert "no stored results" in capsys.readouterr().err
    assert main(["--measure", "pairs", *places]) == 1
    assert "needs --pairs" in capsys.readouterr().err

    data = ["--photos", str(tmp_path / "photos"), "--pairs", str(tmp_path / "pairs")]
    assert main(["--measure", "all", "--quick", "--every", "1", *data, *places]) == 0
    results = {n: json.loads((tmp_path / "out" / f"{n}.json").read_text()) for n in NAMES}
    assert results["pairs"]["folders"][0]["below"]["Tenengrad"] == 1
    assert [row["length"] for row in results["motion"]["rows"]] == [0.5, 40, 0.5, 40]
    written = document.read_text()
    for place in table.PLACES:
        head, tail = documents.require_place(document, place)
        assert "| --- |" in written[len(head) : len(written) - len(tail)], place
    capsys.readouterr()
    assert main(places) == 0  # from what is stored
    assert document.read_text() == written
    document.write_text("no places")
    assert main(places) == 1
    assert "has no place" in capsys.readouterr().err
