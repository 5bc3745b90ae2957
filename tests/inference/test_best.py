"""`best`: the mean over the eight turns and flips."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import unblur
from tests.batch.folders import deblur, fill, tree
from tests.files import write
from tests.reference.turns import EIGHT, mean_of_eight
from unblur import photo
from unblur.inference import deblurrer
from unblur.inference.contract import Contract
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.engine import Engine
from unblur.inference.options import Precision


class Slanted:
    """A network to which no two of the eight are alike; it reaches two pixels."""

    contract = Contract(multiple=16, tile=256, overlap=32)
    parallel = 1
    digest = "0" * 64
    precision = description = "f32"

    def __init__(self) -> None:
        self.runs = itertools.count()

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        next(self.runs)
        height, width = batch.shape[2:]
        wide = np.pad(batch, [(0, 0), (0, 0), (2, 2), (2, 2)], mode="edge")
        left = wide[:, :, 2 : 2 + height, :width]
        above = wide[:, :, 1 : 1 + height, 3 : 3 + width]
        return np.tanh(batch + 0.3 * left - 0.2 * above * left).astype(np.float32)


def floats(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.random(shape, dtype=np.float32)


@pytest.mark.parametrize("shape", [(48, 32, 3), (33, 47, 3), (1, 5, 1)])
def test_it_is_the_mean_of_eight_runs(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    image = floats(rng, *shape)
    once = Deblurrer(Slanted(), masked=False)
    found = Deblurrer(Slanted(), masked=False, best=True)(image)
    np.testing.assert_allclose(found, mean_of_eight(once, image), atol=1e-6)
    assert np.abs(found - once(image)).max() > 0.01 or shape[0] == 1


@pytest.mark.parametrize(
    ("shape", "masked"), [((48, 32, 3), True), ((48, 48, 4), True), ((33, 47, 3), False)]
)
def test_turns_and_flips_of_the_picture_are_those_of_the_result(
    rng: np.random.Generator, shape: tuple[int, ...], masked: bool
) -> None:
    # The mask's cells begin at the upper left: they turn with a picture that they divide.
    image = floats(rng, *shape)
    deblurrer = Deblurrer(Slanted(), masked=masked, best=True)
    expected = deblurrer(image)
    for there, _ in EIGHT:
        found = deblurrer(np.ascontiguousarray(there(image)))
        np.testing.assert_allclose(found, there(expected), atol=1e-6)


def test_tiles_are_turned_each_by_itself(rng: np.random.Generator) -> None:
    image = floats(rng, 96, 128, 3)  # which needs no padding, of the whole or in tiles
    whole, tiled = (
        Deblurrer(Slanted(), tile=tile, masked=False, best=True)(image) for tile in (256, 64)
    )
    np.testing.assert_allclose(tiled, whole, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_strength_zero_gives_the_input_back(rng: np.random.Generator, dtype: type) -> None:
    image = (floats(rng, 40, 50, 3) * (1 if dtype is np.float32 else 255)).astype(dtype)
    assert np.array_equal(Deblurrer(Slanted(), best=True)(image, 0), image)


def test_every_pass_is_reported_and_can_be_the_last(rng: np.random.Generator) -> None:
    image = floats(rng, 96, 120, 3)
    told: list[tuple[int, int]] = []
    deblurrer = Deblurrer(Slanted(), tile=64, best=True)
    for _ in deblurrer.changes(image, lambda *news: told.append(news)):
        pass
    assert sorted(told) == [(n, 6 * 8) for n in range(6 * 8)]

    network = Slanted()

    def stop(begun: int, total: int) -> None:
        if begun == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Deblurrer(network, best=True).changes(image, stop))
    assert next(network.runs) == 3


def test_it_holds_one_picture_more_not_eight(rng: np.random.Generator) -> None:
    image = floats(rng, 240, 240, 3)

    def peak(best: bool) -> int:
        deblurrer = Deblurrer(Slanted(), best=best)
        tracemalloc.start()
        deblurrer(image)
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    peak(False)
    assert peak(True) - peak(False) < 1.5 * image.nbytes


def test_the_network_computes_in_floats_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        deblurrer, "open_network", lambda model, device, how, **_: asked.append(how) or Slanted()
    )
    Deblurrer("default")
    Deblurrer("default", best=True)
    Deblurrer("default", precision="f32", best=True)
    assert asked == ["auto", "float", "f32"]
    precisions: tuple[Precision, ...] = ("float", "f32")
    for precision in precisions:
        engine = Engine("default", "cpu", precision)
        assert engine.precision in ("f32", "bf16")[: 1 if precision == "f32" else 2]
        assert engine.description == f"OpenVINO on the CPU in {engine.precision}"


def test_the_command_line_and_the_function_give_the_same(
    tmp_path: Path, picture: np.ndarray
) -> None:
    path = write(tmp_path / "a.png", picture)
    out = tmp_path / "out.png"
    code, _, errors = deblur(path, "-o", out, "--best", "--verbose", "--tile", 512)
    assert code == 0
    how = Engine("default", precision="float").description
    assert errors == [f"unblur: default, {how}, tiles of 512, eight passes"]
    found = photo.read(out).pixels
    assert np.array_equal(found, unblur.deblur(picture, best=True))
    assert not np.array_equal(found, unblur.deblur(picture))


@pytest.mark.usefixtures("inverter")
def test_a_folder_never_mixes_them(tmp_path: Path) -> None:
    photos, out = fill(tmp_path / "in", "a.png", "b.png"), tmp_path / "out"
    code, _, errors = deblur(photos, "-o", out, "--best", "--verbose")
    assert (code, errors[0]) == (0, "unblur: default, upside down")
    before = tree(out)
    code, _, errors = deblur(photos, "-o", out)
    assert code == 1
    assert len(errors) == 1
    assert f"{out}: holds results made with other settings (best)" in errors[0]
    assert tree(out) == before
    assert "2 done before" in deblur(photos, "-o", out, "--best")[1][0]
