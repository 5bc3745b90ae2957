"""Pairs in GoPro's tree and in two folders: which are found, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.files import write
from unblur.datasets import find_data, find_pairs
from unblur.errors import DataError


def test_every_layout_of_pairs_is_found(pairs_dir: Path) -> None:
    names = [f"SEQ/{i:06d}" for i in range(4)]
    assert [p.name for p in find_pairs(pairs_dir, "train")] == names
    assert [p.name for p in find_pairs(pairs_dir / "train", "test")] == names
    flat = find_pairs(pairs_dir / "train" / "SEQ", "test")
    assert [p.name for p in flat] == [f"{i:06d}" for i in range(4)]


def test_partners_may_be_of_another_type(pairs_dir: Path, picture: np.ndarray) -> None:
    home = pairs_dir / "train" / "SEQ"
    (home / "sharp" / "000001.png").unlink()
    partner = write(home / "sharp" / "000001.webp", picture)
    assert find_pairs(pairs_dir, "train")[1].sharp == partner


def test_what_is_wrong_with_pairs_is_named(pairs_dir: Path, picture: np.ndarray) -> None:
    home = pairs_dir / "train" / "SEQ"
    lonely = home / "sharp" / "000003.png"
    lonely.rename(home / "kept.png")
    with pytest.raises(DataError, match=r"blur/000003.png: has no partner.*\n.*DIR/\[train"):
        find_pairs(pairs_dir, "train")
    extra = write(home / "sharp" / "000000_2.png", picture)
    with pytest.raises(DataError, match=r"sharp/000000_2.png: has no partner in .*blur;"):
        find_pairs(pairs_dir, "train")
    extra.unlink()
    lonely.write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"sharp/000003.png: is not a picture"):
        find_pairs(pairs_dir, "train")
    write(lonely, picture[:50])
    with pytest.raises(DataError, match=r"120x96, but its partner .*000003.png is 120x50"):
        find_pairs(pairs_dir, "train")


def test_what_is_wrong_with_folders_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        find_pairs(tmp_path / "none", "test")
    with pytest.raises(DataError, match=r"no pairs found; expected a folder of pairs"):
        find_pairs(tmp_path, "test")
    with pytest.raises(DataError, match=r"no pairs and no photos found"):
        find_data(tmp_path)
    (tmp_path / "blur").mkdir()
    with pytest.raises(DataError, match=r"has no folder 'sharp'"):
        find_pairs(tmp_path, "test")
