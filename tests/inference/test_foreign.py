"""Networks of others: what they take is found out, and tiles of them do not show."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.evaluate.models import write_onnx
from tests.foreign import REACH, conv_onnx, whole
from unblur.errors import ModelError
from unblur.inference import contracts, foreign
from unblur.inference.blur_map import CELL
from unblur.inference.contract import UNTILED, Contract, digest_of
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.engine import open_network
from unblur.inference.foreign import Foreign, least_tile, seam_note
from unblur.inference.passes import cuts
from unblur.inference.probe import Known, probe
from unblur.inference.probe.reach import ENOUGH


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"size": (96, 96)},
        {"size": (96, 160), "scale": (-1.0, 1.0)},
        {"scale": (-1.0, 1.0)},
        {"scale": (0.0, 255.0)},
        {"half": True},
        {"stride": 8},
        {"stride": 32, "size": (192, 192)},
        {"clipped": False},
    ],
    ids=str,
)
def test_tiles_give_what_the_whole_picture_gives(
    tmp_path: Path, rng: np.random.Generator, kind: dict[str, Any]
) -> None:
    scale = kind.get("scale", (0.0, 1.0))
    image = rng.random((288, 384, 3), np.float32)
    path = conv_onnx(tmp_path / "net.onnx", **kind)
    free = conv_onnx(tmp_path / "free.onnx", **{**kind, "size": None})
    deblurrer = Deblurrer(path, "cpu", tile=None if "size" in kind else 160)
    contract = deblurrer.engine.contract
    assert (contract.low, contract.high) == scale
    assert contract.reach is not None
    assert contract.reach <= REACH + kind.get("stride", 1)
    assert contract.size == kind.get("size")
    assert not seam_note(contract)
    found = deblurrer(image)
    border = 2 * REACH + kind.get("stride", 1)
    inner = (slice(border, -border),) * 2
    difference = np.abs(found - whole(free, image, scale))[inner].max() * 255
    assert difference <= (0.5 if kind.get("half") else ENOUGH)
    assert np.abs(found - image).mean() * 255 > 1


@pytest.mark.parametrize(
    ("run", "low"),
    [
        (lambda x: 0.75 * x - 0.25, -1),  # darker by a quarter, in [-1, 1]
        (lambda x: np.tanh(1.1 * x), -1),
        (lambda x: 0.75 * x, 0),  # the same in [0, 1]
        (lambda x: np.clip(1.1 * x, 0, 1), 0),
        (lambda x: x, 0),
        (lambda x: x + 0.25, 0),  # brighter, in whatever range
        (lambda x: 0.1 - 0.2 * x, 0),  # not trained at all
    ],
)
def test_the_range_is_found_out(
    tmp_path: Path, run: Callable[[np.ndarray], np.ndarray], low: float
) -> None:
    contract = probe(lambda image: [run(image)], tmp_path / "net", Known())
    assert (contract.low, contract.high) == (low, 1)


def test_a_network_that_sees_the_whole_picture_is_said_to(tmp_path: Path) -> None:
    contract = open_network(conv_onnx(tmp_path / "net.onnx", pooled=True), "cpu").contract
    assert contract.reach is None
    assert "sees all of a tile" in seam_note(contract)


def test_tiles_too_small_for_the_reach_are_said_to_be(tmp_path: Path) -> None:
    network = open_network(conv_onnx(tmp_path / "net.onnx"), "cpu")
    contract = replace(network.contract, reach=100)
    least = least_tile(contract)
    assert f"it needs tiles of {least}" in seam_note(contract, least - 1)
    assert not seam_note(contract, least)
    for tile, enough in ((least - 16, False), (least, True)):
        _, _, margin = cuts(contract, tile, CELL)
        assert margin is not None
        assert (margin >= 100) == enough
    assert not Deblurrer(network).note


def test_what_was_found_out_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = conv_onnx(tmp_path / "net.onnx")
    first = open_network(path, "cpu")
    monkeypatch.setattr(foreign, "probe", None)  # not called again
    again = pickle.loads(pickle.dumps(open_network(path, "cpu")))
    assert isinstance(again, Foreign)
    assert again.contract == first.contract
    by_hand = contracts.beside_file(path)
    by_hand.write_text(json.dumps({"low": -1.0, "tile": 96}))
    assert open_network(path, "cpu").contract == Contract(low=-1.0, tile=96)
    wrong: list[dict[str, Any]] = [{"sides": 3}, {"tile": "wide"}, {"memory": 0}, {"reach": -1}]
    wrong += [{"low": "0"}, {"low": 1}, {"high": math.inf}, {"size": [16, 32]}, {"seam": "x"}]
    wrong += [{"measures_blur": True}]
    for text in ("{", "[]", *map(json.dumps, wrong)):
        by_hand.write_text(text)
        with pytest.raises(ModelError, match=r"net\.onnx\.contract\.json: not the contract"):
            open_network(path, "cpu")
    by_hand.write_text('{"output": 1}')
    with pytest.raises(ModelError, match="not what is known of it"):
        Deblurrer(path, "cpu")(np.zeros((40, 40, 3), np.uint8))
    by_hand.write_text(json.dumps({"sha256": "of another", "tile": 1}))
    assert open_network(path, "cpu").contract == first.contract


def test_a_contract_is_kept_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.touch()
    contract = Contract(size=(64, 96), reach=None, seam=0.25, tile=UNTILED)
    contracts.keep(digest_of(path), contract, path)
    assert contracts.find(path, digest_of(path)) == contract


def broken(image: np.ndarray) -> list[np.ndarray]:
    raise RuntimeError("in the engine:\nout of order")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda image: [], "it gives nothing for"),
        (lambda image: [image[:, :, ::2, ::2]], "the same was expected"),
        (broken, "out of order"),
    ],
)
def test_what_restores_no_picture_is_told_in_a_line(
    tmp_path: Path, make: Callable[[np.ndarray], Any], reason: str
) -> None:
    with pytest.raises(ModelError, match=reason) as caught:
        probe(make, tmp_path / "net", Known())
    assert "\n" not in str(caught.value)


def test_the_finest_of_several_outputs_is_taken(tmp_path: Path) -> None:
    def run(image: np.ndarray) -> list[np.ndarray]:
        return [image[:, :, ::4, ::4], image[:, :, ::2, ::2], 0.9 * image]

    assert probe(run, tmp_path / "net", Known()).output == 2


def test_inputs_that_are_no_image_are_told(tmp_path: Path) -> None:
    nodes = [helper.make_node("Identity", ["image"], ["out"])]
    path = write_onnx(tmp_path / "net.onnx", nodes, {})
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
    onnx.save(model, path)
    with pytest.raises(ModelError, match=r"takes f32 \(1, 1, \?, \?\); one input of floats"):
        open_network(path, "cpu")


def test_operators_that_are_not_known_are_told_in_a_line(tmp_path: Path) -> None:
    node = helper.make_node("Sharpen", ["image"], ["out"], domain="org.example")
    path = write_onnx(tmp_path / "net.onnx", [node], {})
    model = onnx.load(path)
    model.opset_import.append(helper.make_opsetid("org.example", 1))
    onnx.save(model, path)
    with pytest.raises(ModelError, match=r"not an ONNX network .*Sharpen") as caught:
        open_network(path, "cpu")
    assert "\n" not in str(caught.value)


def windowed(side: int) -> Callable[[np.ndarray], np.ndarray]:
    """Adds to each pixel a tenth of the mean of its window, with sides of so many pixels."""

    def run(image: np.ndarray) -> np.ndarray:
        one, colours, height, width = image.shape
        cells = image.reshape(one, colours, height // side, side, width // side, side)
        return (0.9 * cells + 0.1 * cells.mean((3, 5), keepdims=True)).reshape(image.shape)

    return run


@pytest.mark.parametrize("side", [7, 12, 20, 32])
@pytest.mark.parametrize("size", [None, (240, 240), (224, 224), (320, 160)], ids=str)
def test_windows_of_any_side_have_the_same_grid_in_every_tile(
    tmp_path: Path, side: int, size: tuple[int, int] | None
) -> None:
    if size and (size[0] % side or size[1] % side):
        return
    run = windowed(side)
    contract = probe(lambda image: [run(image)], tmp_path / "net", Known(size=size))
    grid = math.lcm(contract.multiple, CELL)
    assert grid % side == 0
    assert contract.reach is not None
    tile, overlap, margin = cuts(contract, contract.largest if size else 320, grid)
    assert margin is not None
    assert margin >= contract.reach
    assert tile > overlap
