"""One run of the network gives every strength, byte for byte as the command line does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.files import write
from tests.inference.shaken import Shaken
from unblur.errors import PhotoError
from unblur.inference.deblur_file import deblur_file
from unblur.inference.deblurrer import Deblurrer
from unblur.serve.result import CachedResult


@pytest.fixture(scope="module")
def deblurrer() -> Deblurrer:
    return Deblurrer(tile=192)


def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unblur.serve.result.IN_MEMORY", 0)
    monkeypatch.setattr("unblur.inference.deblur_file.IN_MEMORY", 0)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_strength_is_the_command_lines(
    deblurrer: Deblurrer,
    picture: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    channels: int,
    dtype: type,
    large: bool,
) -> None:
    if large:
        in_parts(monkeypatch)
    rgba = np.concatenate([picture, picture[::-1, :, :1]], axis=2)
    image = rgba[..., {1: [0], 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]]
    # Larger than a tile, so that the strength meets the seams.
    image = np.tile(image.astype(dtype) * (257 if dtype is np.uint16 else 1), (2, 3, 1))
    path = write(tmp_path / "photo.png", image)
    with CachedResult.compute(deblurrer, path.read_bytes() if channels % 2 else path) as result:
        assert result.encode(0).data == path.read_bytes()
        for strength in (1.0, 0.5, 0.37):
            for kind, out in (("png", tmp_path / "out.png"), ("tiff", tmp_path / "out.tif")):
                deblur_file(deblurrer, path, out, strength, overwrite=True)
                assert result.encode(strength, kind).data == out.read_bytes()
        result.save(tmp_path / "saved.tif", strength, "tiff")
        assert (tmp_path / "saved.tif").read_bytes() == out.read_bytes()
        result.move_to_disk(tmp_path / "rest")
        assert result.encode(strength, "tiff").data == out.read_bytes()
    assert not (tmp_path / "rest").exists()


def test_what_needs_nothing_comes_back_byte_for_byte(
    deblurrer: Deblurrer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "grey.jpg", np.full((70, 90, 3), 128, np.uint8))
    assert CachedResult.compute(deblurrer, path.read_bytes()).encode().data == path.read_bytes()
    in_parts(monkeypatch)
    for source in (path, path.read_bytes()):
        with CachedResult.compute(deblurrer, source) as result:
            result.save(tmp_path / "out.jpg")
        assert (tmp_path / "out.jpg").read_bytes() == path.read_bytes()


def test_progress_is_told_and_can_end_the_work(
    deblurrer: Deblurrer, picture: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "photo.png", np.tile(picture, (4, 4, 1)))
    told: list[tuple[int, int]] = []
    CachedResult.compute(deblurrer, path, report=lambda *news: told.append(news)).close()
    assert told[0] == (0, 0)  # the scales are chosen first
    told = [news for news in told if news != (0, 0)]
    total = told[0][1]
    assert sorted(told) == [(n, total) for n in range(total + 1)]
    assert total > 4

    def stop(begun: int, total: int) -> None:
        if begun == 2:
            raise KeyboardInterrupt

    in_parts(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        CachedResult.compute(deblurrer, path, report=stop, folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["photo.png"]


def test_the_scales_are_those_of_the_photo(picture: np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "photo.png", np.tile(picture, (3, 3, 1)))
    for deblurrer, scales in (
        (Deblurrer(Shaken(0)), {1.0: 1.0}),
        (Deblurrer(Shaken(10000)), {1 / 4: 1.0}),  # at a smaller one too little is left
        (Deblurrer(Shaken(10000), scale=0.5), {0.5: 1.0}),
    ):
        with CachedResult.compute(deblurrer, path) as result:
            assert result.scales == scales
            deblur_file(deblurrer, path, tmp_path / "out.png", overwrite=True)
            assert result.encode().data == (tmp_path / "out.png").read_bytes()


def test_the_work_can_end_while_the_scales_are_chosen(picture: np.ndarray, tmp_path: Path) -> None:
    path = write(tmp_path / "photo.png", np.tile(picture, (3, 3, 1)))
    network = Shaken(0)

    def stop(begun: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CachedResult.compute(Deblurrer(network), path, report=stop)
    assert network.calls == []


def test_what_a_format_cannot_hold_is_refused_before_the_network(
    picture: np.ndarray, tmp_path: Path
) -> None:
    class Never(Deblurrer):
        def changes(self, *_: object) -> object:  # pyright: ignore
            raise AssertionError

    deep = write(tmp_path / "photo.png", picture.astype(np.uint16) * 257)
    with pytest.raises(PhotoError, match="16 bit"):
        CachedResult.compute(Never(tile=192), deep, kind="jpeg")
    with pytest.raises(PhotoError, match="more than the limit of 100"):
        CachedResult.compute(Never(tile=192), deep, max_pixels=100)
