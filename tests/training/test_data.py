from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from tests.files import write
from unblur.blur.config import BlurConfig
from unblur.errors import DataError, Hint
from unblur.training.config import DataConfig
from unblur.training.data import Batch, TrainingData


def data(config: DataConfig, seed: int = 0) -> TrainingData:
    return TrainingData(config, BlurConfig(max_length=8), seed, torch.device("cpu"))


def test_no_folder_is_an_error() -> None:
    with pytest.raises(DataError, match="no data") as raised:
        data(DataConfig())
    assert raised.value.hint == Hint("data")


def test_a_damaged_file_is_named_when_it_is_drawn(pairs_dir: Path) -> None:
    path = pairs_dir / "train" / "SEQ" / "blur" / "000000.png"
    path.write_bytes(path.read_bytes()[:-3000])
    source = data(DataConfig(dirs=(str(pairs_dir),), hold_out_every=0))
    with pytest.raises(DataError, match=r"blur/000000.png: is damaged"):
        source.batch(0, 32, 64)


def test_batches_are_a_function_of_seed_and_step(pairs_dir: Path) -> None:
    config = DataConfig(dirs=(str(pairs_dir),))
    first, again = data(config), data(config)
    again.batch(3, 32, 2)
    for a, b in zip(first.batch(7, 32, 4), again.batch(7, 32, 4), strict=True):
        assert a.shape == (4, 3, 32, 32)
        assert -1 <= a.min() < 0 < a.max() <= 1
        assert torch.equal(a, b)
    assert not torch.equal(first.batch(7, 32, 4)[0], first.batch(8, 32, 4)[0])
    assert not torch.equal(first.batch(7, 32, 4)[0], data(config, 1).batch(7, 32, 4)[0])


def test_both_images_are_cut_and_turned_alike(tmp_path: Path, picture: np.ndarray) -> None:
    for side in ("blur", "sharp"):
        write(tmp_path / side / "1.png", picture)
    config = DataConfig(dirs=(str(tmp_path),), min_scale=0.4, hold_out_every=0)
    seen = set()
    for step in range(10):
        blurred, sharp = data(config).batch(step, 24, 3)
        assert torch.equal(blurred, sharp)
        seen |= {tuple(image.flatten().tolist()) for image in sharp}
    assert len(seen) == 30


def test_pictures_are_drawn_at_halves_of_their_area_each_as_often(tmp_path: Path) -> None:
    """The crop's slope says its scale."""
    slope = np.broadcast_to(np.arange(128, dtype=np.uint8)[:, None, None], (128, 128, 3))
    for side in ("blur", "sharp"):
        write(tmp_path / side / "1.png", slope)
    config = DataConfig((str(tmp_path),), min_scale=0.35, augment=False, hold_out_every=0)
    images = data(config).batch(0, 40, 400)[1][:, 0, :, 0] * 127.5
    slopes = (images[:, -5] - images[:, 5]) / 29
    for scale in (1, 0.5**0.5, 0.5, 0.5**1.5):
        share = ((slopes * scale - 1).abs() < 0.1).float().mean()
        assert float(share) == pytest.approx(0.25, abs=0.07)
    # 91 pixels and fewer have no room for a crop of 92.
    images = data(config).batch(0, 92, 8)[1][:, 0, :, 0] * 127.5
    assert torch.allclose(images.diff(dim=1), torch.tensor(1.0), atol=1e-3)


def made(ready: Callable[[], Batch]) -> Batch:
    """A batch; on a GPU nothing may wait for it."""
    if not torch.cuda.is_available():
        return ready()
    torch.cuda.set_sync_debug_mode("error")
    try:
        return ready()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
@pytest.mark.parametrize("place", ["cpu", "cuda"])
def test_where_pictures_are_kept_changes_no_batch(
    pairs_dir: Path, tmp_path: Path, picture: np.ndarray, place: str
) -> None:
    if place == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU with CUDA")
    for index in range(3):
        write(tmp_path / "photos" / f"{index}.png", np.roll(picture, index, axis=0))
    dirs = (str(pairs_dir), str(tmp_path / "photos"))
    config = DataConfig(dirs, min_scale=0.7, pair_share=0.5, hold_out_every=0)
    few, none = 70_000 / 2**30, 0.0  # one picture with its smaller self, and none
    said: list[str] = []
    found = []
    for gpu, cache in ((16.0, 6.0), (few, few), (none, few), (none, none)):
        source = TrainingData(
            replace(config, gpu_gib=gpu, cache_gib=cache), BlurConfig(max_length=8), 0,
            torch.device(place),
        )  # fmt: skip
        with source.ahead([(step, 32, 4) for step in range(3)], said.append) as batches:
            found.append([made(ready) for ready in batches])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    if place == "cuda":
        assert said[0] == "11 of 11 pictures on the GPU, 0.0 GiB"
        assert said[1].startswith("1 of 11 pictures on the GPU, 0.0 GiB; the others in memory")
    else:
        assert said[0] == "11 pictures, kept in memory as they are drawn, 6 GiB at most"


def test_without_quarter_turns_what_lies_stays_lying(tmp_path: Path) -> None:
    lying = np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None, None] * 8, (32, 32, 3))
    for side in ("blur", "sharp"):
        write(tmp_path / side / "1.png", lying)

    def seen(quarter_turns: bool) -> set[tuple[bool, bool]]:
        config = DataConfig((str(tmp_path),), hold_out_every=0, quarter_turns=quarter_turns)
        images = data(config).batch(0, 32, 32)[1][:, 0]
        return {(bool(x[0, 0] == x[0, 1]), bool(x[0, 0] < x[-1, -1])) for x in images}

    assert seen(False) == {(True, True), (True, False)}
    assert seen(True) == {(a, b) for a in (True, False) for b in (True, False)}


def test_of_several_candidates_the_most_blurred_is_kept(pairs_dir: Path) -> None:
    config = DataConfig(dirs=(str(pairs_dir),), hold_out_every=0, augment=False)
    chosen, plain = (data(replace(config, candidates=n)) for n in (6, 1))

    def error(source: TrainingData) -> float:
        blurred, sharp = zip(*(source.batch(step, 24, 4) for step in range(5)), strict=True)
        assert {x.shape for x in (*blurred, *sharp)} == {(4, 3, 24, 24)}
        return float((torch.stack(blurred) - torch.stack(sharp)).square().mean())

    assert error(chosen) > 1.2 * error(plain)


def test_the_papers_way_resizes_the_whole_pair(pairs_dir: Path) -> None:
    config = DataConfig(dirs=(str(pairs_dir),), resize=32, augment=False, hold_out_every=0)
    batches = [data(config).batch(step, 32, 8)[1] for step in range(3)]
    assert len({tuple(x.flatten().tolist()) for b in batches for x in b}) == 4


def test_photos_and_pairs_mix_by_the_stated_share(
    pairs_dir: Path, tmp_path: Path, picture: np.ndarray
) -> None:
    grey = np.full_like(picture, 255)
    write(tmp_path / "photos" / "deep" / "white.jpg", grey)
    both = DataConfig(dirs=(str(pairs_dir), str(tmp_path / "photos")), pair_share=0.25)
    sharp = torch.cat([data(both).batch(step, 24, 8)[1] for step in range(25)])
    white = sharp.flatten(1).amin(1) > 0.9
    assert float(white.float().mean()) == pytest.approx(0.75, abs=0.1)


def test_held_out_images_are_never_drawn(pairs_dir: Path, tmp_path: Path) -> None:
    config = DataConfig(dirs=(str(pairs_dir),), hold_out_every=2, val_images=8)
    source = data(config)
    assert [p.name for p in source.pairs] == ["SEQ/000000", "SEQ/000002"]
    assert [v.name for v in source.validation()] == ["SEQ/000001", "SEQ/000003"]
    explicit = replace(config, hold_out_every=0, val_dirs=(str(pairs_dir / "train"),))
    assert len(data(explicit).pairs) == 4
    assert len(data(explicit).validation()) == 4


def test_held_out_photos_are_blurred_the_same_each_time(
    tmp_path: Path, picture: np.ndarray
) -> None:
    for index in range(4):
        write(tmp_path / f"{index}.png", np.roll(picture, index, axis=0))
    config = DataConfig(dirs=(str(tmp_path),), hold_out_every=2)
    first, again = data(config).validation(), data(config).validation()
    assert [v.name for v in first] == ["1", "3"]
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a.blurred, b.blurred)
        assert a.blurred.shape == a.sharp.shape
