"""One compilation serves a photo; shapes that change do not cost one each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import engines
from typer.testing import CliRunner

from tests.evaluate.models import stretch_onnx
from tests.files import write
from tests.foreign import conv_onnx
from unblur.cli import app
from unblur.errors import ModelError
from unblur.inference import openvino_cpu
from unblur.inference.contract import FLOATS
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.engine import Engine
from unblur.inference.openvino_cpu import OFTEN, OpenVINONetwork
from unblur.inference.options import Precision

SMALL, LARGE = (1, 3, 16, 16), (1, 3, 32, 16)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The shapes that networks were compiled for; None: for any."""
    shapes: list[Any] = []
    real = openvino_cpu._Compiled._compile
    monkeypatch.setattr(
        openvino_cpu._Compiled,
        "_compile",
        lambda self, shape: (shapes.append(shape), real(self, shape))[1],
    )
    return shapes


@pytest.mark.parametrize(
    ("precision", "expected"), [("bf16", [None, LARGE, SMALL]), ("f32", [None])]
)
def test_a_network_is_compiled_once_more_for_what_comes_often(
    tmp_path: Path, compiled: list[Any], precision: str, expected: list[Any]
) -> None:
    network = OpenVINONetwork(stretch_onnx(tmp_path / "net.onnx"), precision)
    rng = np.random.default_rng(0)
    shapes = [SMALL] * 3 + [LARGE] * OFTEN + [SMALL] * OFTEN + [LARGE] * OFTEN
    for shape in shapes:
        image = rng.uniform(0, 1, shape).astype(np.float32)
        (found,) = network(image, ["restored"])
        np.testing.assert_allclose(found, (1.1 * image - 0.0213).clip(0, 1), atol=1e-2)
    assert compiled == expected


def test_what_has_failed_once_is_compiled_anew(tmp_path: Path, compiled: list[Any]) -> None:
    network = OpenVINONetwork(conv_onnx(tmp_path / "net.onnx", stride=8), "f32")
    image = np.full((1, 3, 64, 64), 0.5, np.float32)
    before = network.all(image)
    with pytest.raises(RuntimeError):
        network.all(image[:, :, :-1])
    np.testing.assert_array_equal(network.all(image), before)
    assert compiled == [None, None]


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    image = np.random.default_rng(0).uniform(-1, 1, (1, 3, 96, 128)).astype(np.float32)
    one, other = (Engine("default", "cpu", "f32", threads)(image) for threads in (1, 3))
    np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(not openvino_cpu.has_bf16(), reason="the processor has no bf16")
def test_in_bf16_a_compilation_of_its_own_gives_the_same(
    monkeypatch: pytest.MonkeyPatch, compiled: list[Any]
) -> None:
    monkeypatch.setattr(openvino_cpu, "OFTEN", 2)
    engine = Engine("default", "cpu", "bf16")
    batch = np.random.default_rng(0).uniform(-1, 1, (1, 3, 96, 144)).astype(np.float32)
    for run in (engine.with_blur, lambda x: (engine.blur(x),)):
        first, second = run(batch), run(batch)
        *restored, blur = zip(first, second, strict=True)
        assert all(np.array_equal(found, expected) for found, expected in restored)
        # Its exponentials, in float32, may differ in the last bit.
        np.testing.assert_allclose(*blur, rtol=1e-6)
    assert compiled == [None, batch.shape, None, batch.shape]


def test_a_network_that_measures_nothing_has_one_output(tmp_path: Path) -> None:
    engine = Engine(stretch_onnx(tmp_path / "net.onnx"), "cpu", "f32")
    assert not engine.contract.measures_blur
    assert engine(np.zeros(SMALL, np.float32)).shape == SMALL


def test_the_tiles_of_a_photo_have_one_shape(picture: np.ndarray) -> None:
    image = np.tile(picture, (5, 6, 1))[:333, :517]
    tiles = engines.batches(Deblurrer("default", "cpu", tile=192), image)
    assert len(tiles) > 4
    assert len({tile.shape for tile in tiles}) == 1


@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_what_came_before_changes_nothing(picture: np.ndarray, precision: Precision) -> None:
    """Small pictures too: for few pixels OpenVINO's 8 bits are not to be relied on."""
    deblurrer = Deblurrer("default", "cpu", precision=precision)
    whole = Deblurrer("default", "cpu", precision="f32", masked=False)
    unmasked = Deblurrer(deblurrer.engine, masked=False)
    images = [picture[:1, :1], picture[:9, :30], picture[:33, :17], picture]
    alone = [deblurrer(image) for image in images]
    for image, first in [*zip(images, alone, strict=True)][::-1]:
        assert np.array_equal(deblurrer(image), first)
        difference = unmasked(image).astype(int) - whole(image)
        # Mirrored, a small one is a pattern that either may take for blur; memory that is not the
        # picture's would differ far more.
        assert np.sqrt(np.square(difference).mean()) < (8 if image is picture else 32)


@pytest.mark.parametrize("bf16", [True, False])
def test_8_bits_are_taken_where_there_is_no_bf16(
    bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_cpu, "has_bf16", lambda: bf16)
    monkeypatch.setattr(openvino_cpu.platform, "machine", lambda: "x86_64")
    assert Engine("default", "cpu").precision == ("bf16" if bf16 else "int8")
    assert Engine("default", "cpu", "float").precision == ("bf16" if bf16 else "f32")
    assert Engine("default", "cpu", "f32").precision == "f32"
    assert Deblurrer("default", "cpu", best=True).engine.precision in FLOATS


def test_8_bits_that_are_not_there_are_asked_for_in_vain(tmp_path: Path) -> None:
    path = stretch_onnx(tmp_path / "net.onnx")
    with pytest.raises(ModelError, match=r"no net-int8.onnx beside it; unblur"):
        Engine(path, "cpu", "int8")


def test_the_command_line_takes_a_precision(tmp_path: Path, picture: np.ndarray) -> None:
    path, out = write(tmp_path / "a.png", picture), str(tmp_path / "out.png")
    command = ["deblur", str(path), "-o", out, "--verbose", "--tile", "512", "--precision"]
    result = CliRunner().invoke(app, [*command, "int8"])
    assert result.exit_code == 0
    assert "unblur: default, OpenVINO on the CPU in int8, tiles of 512\n" in result.stderr
    result = CliRunner().invoke(app, [*command, "int3"])
    assert result.exit_code == 2
    for part in ("--precision", "int3", "auto", "bf16", "int8"):
        assert part in result.stderr
