"""The pictures that the page shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from tests.files import write
from tests.serve.conftest import Brighter
from unblur import photo
from unblur.inference.deblurrer import Deblurrer
from unblur.serve.jobs import previews
from unblur.serve.result import CachedResult


def seen(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_browser_is_shown_what_the_photo_is(
    tmp_path: Path, picture: np.ndarray, dtype: type, channels: int
) -> None:
    rgba = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    eight = rgba.astype(float)[..., {1: [0], 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]]
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    path = write(tmp_path / "photo.tif", (eight * scale).astype(dtype))
    previews.show_before(photo.read(path), tmp_path)
    shown = seen(tmp_path / "before.jpg").astype(float)
    expected = eight[..., :3] if channels > 2 else np.repeat(eight[..., :1], 3, 2)
    assert np.abs((shown if shown.ndim == 3 else shown[..., None]) - expected).mean() < 2


def test_colours_of_another_profile_are_shown_as_srgb(tmp_path: Path) -> None:
    # A profile whose red and green change places.
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    Image.new("RGB", (64, 64), (200, 40, 40)).save(tmp_path / "a.png", icc_profile=bytes(swapped))
    previews.show_before(photo.read(tmp_path / "a.png"), tmp_path)
    shown = seen(tmp_path / "before.jpg").astype(float)
    assert np.abs(shown - (40, 200, 40)).max() < 5


def test_tiles_together_are_the_result(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "BASE", 100)
    monkeypatch.setattr(previews, "TILE", 64)
    coarse: Any = pyvips.Image.new_from_array(rng.integers(0, 200, (10, 15, 3)).astype(np.uint8))
    path = tmp_path / "photo.png"
    coarse.resize(16).write_to_file(str(path))
    whole = CachedResult.compute(Deblurrer(Brighter()), path)
    assert previews.show_after(whole, tmp_path)
    assert seen(tmp_path / "after.jpg").shape == (67, 100, 3)
    for side, strength in (("before", 0), ("after", 1)):
        expected = photo.read(whole.encode(strength).data).pixels
        shown = np.zeros_like(expected)
        for tile in (tmp_path / side).glob("*.jpg"):
            x, y = (64 * int(number) for number in tile.stem.split("_"))
            pixels = seen(tile)
            shown[y : y + 64, x : x + 64] = pixels
        assert np.abs(shown.astype(int) - expected).mean() < 2
    whole.close()

    monkeypatch.setattr("unblur.inference.deblur_file.IN_MEMORY", 0)
    (tmp_path / "parts").mkdir()
    with CachedResult.compute(Deblurrer(Brighter()), path) as parts:
        previews.show_after(parts, tmp_path / "parts")
    same = [(tmp_path / side / "after.jpg").read_bytes() for side in ("", "parts")]
    assert same[0] == same[1]
    assert not list((tmp_path / "parts").glob(".unblur-*"))


def test_the_example_is_the_one_whose_licence_is_stated() -> None:
    root = Path(__file__).parents[2]
    shown = root / "src/unblur/serve/page/example.jpg"
    assert shown.read_bytes() == (root / "examples/coffee.jpg").read_bytes()
