"""Files appear whole or not at all; a locked folder is refused, and free again after a kill."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import filelock._unix  # noqa: F401 - before a test hides fcntl from it
import numpy as np
import pytest

from tests.photo import fidelity
from unblur import photo
from unblur.errors import PhotoError, ResumeError
from unblur.photo import locked
from unblur.photo.files import STRAY, atomic, sweep

CASES = fidelity.cases()


def test_saving_is_whole_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.png"
    photo.save(b"one", path)
    with pytest.raises(PhotoError, match="exists already"):
        photo.save(b"two", path)
    photo.save(b"three", path, overwrite=True)
    assert path.read_bytes() == b"three"
    with pytest.raises(PhotoError, match="cannot be written"):
        photo.save(b"x", path / "under" / "a-file.png")
    assert [p.name for p in path.parent.iterdir()] == ["out.png"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (300, 300, 3)).astype(np.uint8)
    read = photo.read(fidelity._image(pixels).pngsave_buffer())
    bare = tmp_path / "raw"
    bare.write_bytes(pixels.tobytes())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, before[1]))
    try:
        for kind in ("png", "jpeg", "tiff", "webp"):
            with pytest.raises(PhotoError, match="cannot be written") as caught:
                photo.write(read, bare, tmp_path / f"out.{kind}", kind)
            assert "\n" not in str(caught.value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with suppress(KeyboardInterrupt), atomic(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"]
    with atomic(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    plain = tmp_path / "plain"
    plain.touch()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode == plain.stat().st_mode


def test_of_a_link_the_file_is_written(tmp_path: Path) -> None:
    there, link = tmp_path / "there" / "a.png", tmp_path / "link.png"
    there.parent.mkdir()
    link.symlink_to(there)
    photo.save(b"one", link)
    assert there.read_bytes() == b"one"
    with pytest.raises(PhotoError, match="exists already"):
        photo.save(b"two", link)
    photo.save(b"two", link, overwrite=True)
    assert link.is_symlink()
    assert there.read_bytes() == b"two"
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(PhotoError, match="cannot be written"):
        photo.save(b"three", link, overwrite=True)


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with pytest.raises(PhotoError, match="cannot be written"):
        photo.save(b"x", pipe, overwrite=True)
    assert pipe.is_fifo()


def test_only_unfinished_files_are_swept(tmp_path: Path) -> None:
    for name in (f"{STRAY}1", "photo.jpg", ".unblur.json"):
        (tmp_path / name).touch()
    (tmp_path / f"{STRAY}folder").mkdir()
    sweep(tmp_path)
    left = {p.name for p in tmp_path.iterdir()}
    assert left == {"photo.jpg", ".unblur.json", f"{STRAY}folder"}


@pytest.mark.parametrize("system", ["posix", "windows"])
def test_a_lock_keeps_others_out_until_its_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    folder, without = tmp_path / "new" / "folder", ""
    if system == "windows":  # where filelock is used
        monkeypatch.setitem(sys.modules, "fcntl", None)
        without = "import sys, filelock._unix; sys.modules['fcntl'] = None"
    script = f"""
{without}
from pathlib import Path
from unblur.photo import locked
with locked(Path({str(folder)!r})):
    print("locked", flush=True)
    input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(ResumeError, match="in use by another unblur"), locked(folder):
            pass
        other.kill()
    for _ in range(2):
        with locked(folder), pytest.raises(ResumeError), locked(folder):
            pass
    if system == "posix":
        assert not list(folder.iterdir())
