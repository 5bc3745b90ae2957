"""Pictures of datasets are found and read by the rules of photos."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from tests.datasets.test_layouts import CASES
from tests.files import write
from unblur.datasets import LAYOUTS, find_data, find_dataset, find_pairs, find_photos, read_rgb
from unblur.datasets.folders import match
from unblur.errors import DataError

DARK = np.zeros((8, 12, 3), np.uint8)
APPLE_DOUBLE = b"\0\5\x16\7\0\2\0\0Mac OS X        "


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hidden_files_are_no_part_of_a_dataset(layout: str, tmp_path: Path) -> None:
    CASES[layout][0](tmp_path)
    before = find_dataset(tmp_path)
    for path in list(tmp_path.rglob("*.png")):
        path.with_name(f"._{path.name}").write_bytes(APPLE_DOUBLE)
        write(path.parent / "@eaDir" / path.name / "SYNOPHOTO_THUMB_M.jpg", DARK)
    for folder in [p for p in tmp_path.rglob("*") if p.is_dir() and "@eaDir" not in p.parts]:
        write(folder / ".Trash-1000" / "files" / "blur" / "x.png", DARK)
        write(folder / ".Trash-1000" / "blur" / "Blurry9_9.png", DARK)
        (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    assert find_dataset(tmp_path) == before


def test_hidden_photos_are_not_trained_on(tmp_path: Path) -> None:
    names = ("a.png", "._a.png", ".Trash-1000/files/b.png", "__MACOSX/c.png", "d2.png", "d10.png")
    for name in names:
        write(tmp_path / name, DARK)
    assert [path.name for path in find_data(tmp_path)[1]] == ["a.png", "d10.png", "d2.png"]
    assert [pair.name for pair in find_photos(tmp_path).pairs] == ["a", "d10", "d2"]


def turned(upright: np.ndarray, orientation: int, path: Path) -> Path:
    """A file of a camera held so: its tag turns its pixels upright."""
    turns = {1: 0, 3: 2, 6: 1, 8: -1}
    stored: Any = pyvips.Image.new_from_array(
        np.ascontiguousarray(np.rot90(upright, turns[orientation]))
    ).copy()  # pyright: ignore
    stored.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    path.parent.mkdir(parents=True, exist_ok=True)
    stored.write_to_file(str(path))
    return path


@pytest.mark.parametrize(("blur", "sharp"), [(6, 1), (1, 8), (6, 8), (3, 1)])
def test_each_picture_of_a_pair_is_turned_by_its_own_tag(
    blur: int, sharp: int, tmp_path: Path, picture: np.ndarray
) -> None:
    turned(picture, blur, tmp_path / "blur" / "1.png")
    turned(picture, sharp, tmp_path / "sharp" / "1.tif")
    (pair,) = find_pairs(tmp_path, "test")
    for path in (pair.blur, pair.sharp):
        assert np.array_equal(read_rgb(path), picture)
    with Image.open(pair.blur) as stored:  # the tag is there, and says so
        assert stored.getexif()[0x112] == blur


def test_a_pair_of_one_stored_size_may_be_of_two(tmp_path: Path, picture: np.ndarray) -> None:
    turned(picture, 1, tmp_path / "blur" / "1.png")
    write(tmp_path / "sharp" / "1.png", picture)
    turned(np.rot90(picture, -1), 6, tmp_path / "blur" / "1.png")
    with pytest.raises(DataError, match=r"96x120, but its partner .* is 120x96"):
        find_pairs(tmp_path, "test")


def test_partners_may_differ_in_normal_form_and_case(tmp_path: Path) -> None:
    name = "café"
    write(tmp_path / "blur" / f"{unicodedata.normalize('NFC', name)}.png", DARK)
    write(tmp_path / "sharp" / f"{unicodedata.normalize('NFD', name)}.png", DARK)
    write(tmp_path / "blur" / "IMG.PNG.png", DARK)
    write(tmp_path / "sharp" / "img.png.png", DARK)
    assert len(find_pairs(tmp_path, "test")) == 2
    both = ["a", "A", unicodedata.normalize("NFD", "é"), "é"]
    assert match(both, both) == {name: name for name in both}
    assert match(["A"], ["a"]) == {"A": "a"}
    assert match(["A"], ["a", "á"]) == {"A": "a"}
    assert match(["AB"], ["ab", "aB"]) == {}


def test_every_depth_is_read_in_8_bits(tmp_path: Path) -> None:
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[..., :3], rgba[2:, :, 3] = (10, 128, 255), 255
    rgba[:2, :, :3] = 0
    write(tmp_path / "rgba.png", rgba)
    plain = rgba[2:, :, :3]
    tifffile.imwrite(tmp_path / "16.tif", plain.astype(np.uint16) * 257, photometric="rgb")
    tifffile.imwrite(tmp_path / "f.tif", plain.astype(np.float32) / 255, photometric="rgb")
    for name in ("16.tif", "f.tif"):
        read = read_rgb(tmp_path / name)
        assert read.dtype == np.uint8
        assert np.array_equal(read, plain)
    # No black edge at what nobody sees.
    assert np.array_equal(read_rgb(tmp_path / "rgba.png"), np.broadcast_to(plain[0, 0], (8, 8, 3)))
