"""`unblur.inspect`: any kind of image."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

import unblur
from tests.files import write
from unblur.errors import PhotoError
from unblur.inference.inspector import Inspector


def same(one: unblur.Inspection, other: unblur.Inspection) -> bool:
    maps = zip(asdict(one.map).values(), asdict(other.map).values(), strict=True)
    return one.as_dict() == other.as_dict() and all(np.allclose(a, b, atol=1e-3) for a, b in maps)


def test_every_kind_of_image_is_measured_alike(tmp_path: Path, picture: np.ndarray) -> None:
    from PIL import Image

    path = write(tmp_path / "a.png", picture)
    found = unblur.inspect(picture)
    assert (found.width, found.height, found.map.shape) == (120, 96, (6, 8))
    for image in (path, str(path), path.read_bytes(), Image.fromarray(picture)):
        assert same(unblur.inspect(image), found)
    grey = picture[..., 0]
    assert same(unblur.inspect(grey), unblur.inspect(grey[..., None]))


def test_the_map_is_of_the_upright_photo(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / "turned.tif"
    image = pyvips.Image.new_from_array(picture).copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.write_to_file(str(path))
    found = unblur.inspect(path)
    assert (found.width, found.height, found.map.shape) == (96, 120, (8, 6))
    assert same(found, unblur.inspect(np.ascontiguousarray(np.rot90(picture, -1))))


def test_a_large_image_is_measured_at_its_full_size_if_asked(
    picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    class Noted(Inspector):
        def __call__(self, source: Any) -> Any:
            asked.append(self.exact)
            return super().__call__(source)

    monkeypatch.setattr("unblur.inspection.inspect_any.Inspector", Noted)
    monkeypatch.setattr("unblur.inference.inspector.PIXELS", picture.shape[0] * picture.shape[1])
    image = np.tile(picture, (3, 3, 1))
    whole, reduced = unblur.inspect(image, exact=True), unblur.inspect(image)
    assert asked == [True, False]
    assert whole.map.shape == reduced.map.shape
    assert not same(whole, reduced)


def test_what_cannot_be_taken(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a path was expected"):
        unblur.inspect(7)
    for shape in ((3, 3, 5), (3,), (0, 4, 3)):
        with pytest.raises(ValueError, match="was expected"):
            unblur.inspect(np.zeros(shape, np.uint8))
    with pytest.raises(PhotoError, match="does not exist"):
        unblur.inspect(tmp_path / "missing.jpg")
    with pytest.raises(PhotoError, match="not a picture"):
        unblur.inspect(b"rubbish")
