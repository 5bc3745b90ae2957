from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.browser import Log, address, chromium
from tests.files import write
from unblur.cli import app
from unblur.robustness import card, measure
from unblur.robustness.scene import LONGEST, Scene, make_path, make_scene
from unblur.robustness.stresses import EQUAL, STRESSES, TURNS, in_tiles, psnr


def same(image: np.ndarray) -> np.ndarray:
    return image.copy()


@pytest.fixture
def photo(picture: np.ndarray) -> np.ndarray:
    """(384, 480, 3): room for a scene of 192x256 at least."""
    return np.tile(picture, (4, 4, 1))


@pytest.fixture
def scene(photo: np.ndarray) -> Scene:
    made = make_scene("a", photo, 512, seed=1)
    assert made
    return made


def scores(name: str, model: Any, scene: Scene) -> list[float]:
    return list(next(s for s in STRESSES if s.name == name).scores(model, scene))


def test_a_scene_is_a_part_of_the_photo_and_shakes_alike(photo: np.ndarray, scene: Scene) -> None:
    assert all(side % 64 == 0 for side in scene.sharp.shape[:2])
    for length, stops in ((0, 0), (10, 0), (10, 1)):
        blurred, sharp = scene.shoot(length, stops)
        assert np.array_equal(sharp, scene.sharp) == (stops == 0)
        assert np.array_equal(blurred, sharp) == (length == 0)
    for kind in scene.paths:
        lengths = [psnr(*scene.shoot(length, kind=kind)) for length in (0.5, 2, 10, 40, LONGEST)]
        assert lengths == sorted(lengths, reverse=True)
    assert not np.array_equal(scene.shoot(10)[0], scene.shoot(10, kind="smooth")[0])
    twin, other = make_scene("a", photo, 512, seed=1), make_scene("a", photo, 512, seed=2)
    assert twin
    assert other
    assert np.array_equal(twin.shoot(10)[0], scene.shoot(10)[0])
    assert not np.array_equal(other.paths["shake"], scene.paths["shake"])
    with pytest.raises(ValueError, match="up to 120"):
        scene.shoot(121)


def test_a_scene_shows_nothing_that_was_not_in_the_photo(photo: np.ndarray) -> None:
    # The same part of a photo with a frame around it, which would show if a path went beyond.
    framed = np.pad(photo, [(40, 40), (40, 40), (0, 0)], constant_values=255)
    kinds = ("shake", "smooth", "straight")
    for seed in range(4):
        plain, more = (make_scene("a", x, 192, seed, 100, kinds) for x in (photo, framed))
        assert plain
        assert more
        for kind in kinds:
            shots = (
                plain.shoot(100, kind=kind, density=0.2),
                more.shoot(100, kind=kind, density=0.2),
            )
            assert np.array_equal(shots[0], shots[1])


def test_paths_have_a_length_of_one_and_smooth_ones_are_sharp_in_the_middle() -> None:
    for seed in range(5):
        for kind in ("shake", "smooth", "straight"):
            path = make_path(kind, seed)
            assert path.diff(dim=0).norm(dim=1).sum().item() == pytest.approx(1, abs=1e-4)
            if kind != "shake":
                assert not path[len(path) // 2].any()
        steps = make_path("straight", seed).diff(dim=0)
        assert np.allclose(steps, steps[0], atol=1e-6)


def test_clipping_comes_after_the_blur() -> None:
    # A lamp twice over white stays white where it covers half of the exposure.
    photo = np.zeros((400, 400, 3), np.uint8)
    photo[:, 196:204] = 255
    scene = make_scene("lamp", photo, 192, seed=0)
    assert scene
    plain, bright = (scene.shoot(15, stops)[0].astype(int) for stops in (0, 3))
    assert (plain == 255).sum() < (bright == 255).sum()
    assert (bright >= plain).all()


@pytest.mark.parametrize("stress", STRESSES, ids=lambda s: s.name)
def test_a_model_that_does_nothing_gains_nothing_and_agrees_with_itself(
    stress: Any, scene: Scene
) -> None:
    expected = EQUAL if stress.kind == "agreement" else 0
    assert list(stress.scores(same, scene)) == [expected] * len(stress.levels)


def test_each_stress_finds_what_it_looks_for(scene: Scene) -> None:
    def darker(image: np.ndarray) -> np.ndarray:
        return image - (image > 0)

    def shifted(image: np.ndarray) -> np.ndarray:
        return np.roll(image, 1, axis=1)

    def smooth(image: np.ndarray) -> np.ndarray:
        around = [np.roll(image, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        return np.mean(around, axis=0).astype(np.uint8)

    # One level everywhere but where it was 0: 48.1 dB.
    assert scores("sharp", darker, scene)[0] == pytest.approx(48.13, abs=0.2)
    assert scores("rotation", darker, scene) == [EQUAL] * 7
    turned = dict(zip(TURNS, scores("rotation", shifted, scene), strict=True))
    # Mirrored top to bottom (turned by 180 after left to right), a shift to the right stays one.
    assert turned.pop("mirrored, 180") == EQUAL
    assert max(turned.values()) < 40
    noise = scores("noise", smooth, scene)
    assert noise == sorted(noise)
    assert noise[0] < 1 < 3 < noise[-1]
    # Rolled over a tile's border instead of the picture's, but faded out before it shows.
    inner = (slice(8, -8), slice(8, -8))
    assert (in_tiles(shifted, scene.sharp, 192)[inner] == shifted(scene.sharp)[inner]).all()
    widths = in_tiles(lambda x: np.full_like(x, x.shape[1]), scene.sharp[:192, :256], 192)
    assert len(np.unique(widths)) > 1


def test_the_card_tells_means_leasts_and_where_a_model_does_harm(
    photo: np.ndarray, tmp_path: Path
) -> None:
    def spoil(image: np.ndarray) -> np.ndarray:
        return (image // 16) * 16

    name = '<b onmouseover="x">|$a_b$'
    small = np.zeros((100, 400, 3), np.uint8)
    photos = [("one", photo), ("small", small), ("two", photo[::-1])]
    stresses = [s for s in STRESSES if s.name in ("sharp", "jpeg", "tiles")]
    result = measure({name: spoil, "same": same}, photos, stresses=stresses)
    assert result["photos"] == ["one", "two"]
    assert result["skipped"] == ["small"]
    for stress in result["stresses"]:
        for model in stress["models"]:
            table = np.array(model["photos"])
            assert table.shape == (2, len(stress["levels"]))
            assert model["mean"] == pytest.approx(table.mean(0))
            assert model["least"] == pytest.approx(table.min(0))
    card.write(result, tmp_path)
    assert json.loads((tmp_path / "card.json").read_text()) == result
    text = (tmp_path / "card.md").read_text()
    assert "worse than the input at 95" in text
    assert all((tmp_path / f"{s}.png").stat().st_size > 5000 for s in ("sharp", "jpeg", "tiles"))
    assert "<b" not in (tmp_path / "card.html").read_text().split("<body")[1][8:]


def test_the_card_opens_offline_with_its_plots(photo: np.ndarray, tmp_path: Path) -> None:
    result = measure({"same": same}, [("one", photo)], stresses=STRESSES[:2])
    card.write(result, tmp_path)
    for plot in tmp_path.glob("*.png"):
        plot.unlink()
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 390, "height": 800})
        log = Log(tab)
        tab.goto(address(tmp_path / "card.html"))
        sizes = tab.locator("img").evaluate_all("all => all.map(i => i.naturalWidth)")
        assert sizes == [900, 900]
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        assert log.requests == [tab.url]
        assert log.complaints == []


def test_the_command_takes_a_folder_and_says_what_is_wrong(
    photo: np.ndarray, tmp_path: Path
) -> None:
    for name in "abc":
        write(tmp_path / "photos" / f"{name}.png", photo[:330, :330])
    command = ["robustness", str(tmp_path / "photos"), "-o", str(tmp_path / "out"), "--count", "1"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == str(tmp_path / "out" / "card.html")
    assert len(json.loads((tmp_path / "out" / "card.json").read_text())["photos"]) == 1

    write(tmp_path / "tiny" / "a.png", photo[:100])
    for folder, words in (("tiny", "no photo is large enough"), ("none", "no such folder")):
        done = CliRunner().invoke(app, ["robustness", str(tmp_path / folder)])
        assert done.exit_code == 1
        assert words in done.output
