"""Modes and owners: what comes of a private photo is private; what is replaced keeps its own."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.files import write
from unblur import photo
from unblur.inference.deblur_file import write_result
from unblur.photo import files

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="needs the modes of POSIX"),
    pytest.mark.usefixtures("usual_umask"),
]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path) -> None:
    for bits in (0o600, 0o640, 0o644, 0o664, 0o400):
        path = tmp_path / f"{bits:o}"
        path.write_bytes(b"old")
        path.chmod(bits)
        with files.atomic(path) as file:
            file.write(b"new")
            assert mode(next(tmp_path.glob(f"{files.STRAY}*"))) & 0o077 <= bits & 0o077 | 0o044
        assert (path.read_bytes(), mode(path)) == (b"new", bits)


def test_a_new_file_is_as_private_as_what_it_is_made_from(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.touch()
    files.save(b"", tmp_path / "plain")
    assert mode(tmp_path / "plain") == 0o644
    for bits, wanted in ((0o600, 0o600), (0o640, 0o640), (0o777, 0o644), (0o444, 0o644)):
        source.chmod(bits)
        out = tmp_path / f"out-{bits:o}"
        with files.new_file(out, False, source):
            assert mode(next(tmp_path.glob(f"{files.STRAY}*"))) == wanted
        assert mode(out) == wanted


def test_a_file_that_is_replaced_keeps_its_attributes_and_owner(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.note", b"mine")
    except (OSError, AttributeError):
        pytest.skip("the file system keeps no attributes")
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    owner = path.stat()
    os.utime(path, (1, 1))
    files.save(b"new", path, overwrite=True)
    assert os.getxattr(path, "user.note") == b"mine"
    now = path.stat()
    assert (now.st_uid, now.st_gid) == (owner.st_uid, owner.st_gid)
    assert now.st_mtime > 1  # it is a new content's


def test_results_of_a_private_photo_are_private(tmp_path: Path, picture: np.ndarray) -> None:
    photo_file = write(tmp_path / "p.png", picture)
    photo_file.chmod(0o600)
    read = photo.read(photo_file)
    strips = [(slice(0, 96), picture, 255 - picture)]
    for original in (picture, 255 - picture):  # copied, and written
        changed = [(rows, original, after) for rows, _, after in strips]
        out = tmp_path / f"out-{int(original[0, 0, 0])}.png"
        write_result(read, photo_file, changed, out, "png")
        assert mode(out) == 0o600
        out.chmod(0o640)
        write_result(read, photo_file, changed, out, "png", overwrite=True)
        assert mode(out) == 0o640
