"""Which files of a folder are photos, and in which order."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.files import write
from unblur import photo
from unblur.photo.folders import Entry, order

DARK = np.zeros((4, 4, 3), np.uint8)
HIDDEN = ("._a.png", ".Trash-1000/files/a.png", ".hidden.png", "@eaDir/a.png", "__MACOSX/a.png",
          "__MACOSX/._a.png", "#recycle/a.png", "$RECYCLE.BIN/S-1/a.png",
          "System Volume Information/a.png", "lost+found/a.png")  # fmt: skip


def test_hidden_files_and_folders_are_passed_by(tmp_path: Path) -> None:
    for name in (*HIDDEN, "a.png", "sub/b.png"):
        write(tmp_path / name, DARK)
    # AppleDouble: no picture, for all its name.
    (tmp_path / "._a.png").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    (tmp_path / "Thumbs.db").touch()
    found = list(photo.walk(tmp_path))
    assert [(entry.place, entry.kind) for entry in found] == [
        ("a.png", "photo"), (str(Path("sub/b.png")), "photo")
    ]  # fmt: skip


def test_numbers_in_names_are_in_their_order() -> None:
    names = ["b.png", "a10.png", "a9b2.png", "a9b10.png", "a09.png", "A1.png", "é.png", "\udcff"]
    expected = ["A1.png", "a09.png", "a9b2.png", "a9b10.png", "a10.png", "b.png", "é.png", "\udcff"]
    assert sorted(names, key=order) == expected
    assert len({str(order(name)) for name in ("a1", "a01", "a001")}) == 3


def test_content_and_not_the_name_makes_a_photo(tmp_path: Path) -> None:
    png = write(tmp_path / "a.png", DARK).read_bytes()
    for name in ("b.PNG", "c", "d.dat", "e.mp4"):
        (tmp_path / name).write_bytes(png)
    for name in ("b.PNG~", "c.tmp", "d.png_original", "e.THM", "f.cr2"):
        (tmp_path / name).write_bytes(png if name[0] != "f" else b"II*\0\x10\0\0\0CR\2\0")
    (tmp_path / "wrong.png").write_text("text")
    (tmp_path / "text").write_text("text")
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.png")
    kinds = {entry.place: entry.kind for entry in photo.walk(tmp_path)}
    assert [name for name in kinds if kinds[name] == "photo"] == [
        "a.png", "b.PNG", "c", "d.dat", "e.mp4", "wrong.png"
    ]  # fmt: skip
    assert {name for name, kind in kinds.items() if photo.is_photo(tmp_path / name)} == {
        name for name, kind in kinds.items() if kind == "photo"
    }


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    write(tmp_path / "other" / "a.png", DARK)
    root = tmp_path / "root"
    root.mkdir()
    (root / "there").symlink_to(tmp_path / "other")
    (root / "up").symlink_to(root)
    (root / "self.png").symlink_to("self.png")
    (root / "gone.png").symlink_to("nothing")
    found = {entry.place: entry for entry in photo.walk(root)}
    kinds = {place: entry.kind for place, entry in found.items()}
    assert kinds == {
        "gone.png": "unreadable", "self.png": "loop", str(Path("there/a.png")): "photo",
        "up": "loop",
    }  # fmt: skip
    assert found["gone.png"].reason == "is a symbolic link to nothing"
    assert next(photo.walk(tmp_path / "none")).kind == "unreadable"
    with pytest.raises(FileNotFoundError):
        photo.listed(tmp_path / "none")
    assert Entry("a", "b", "loop").reason == ""
