from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from tests.evaluate.models import stretch_onnx, write_onnx
from unblur.evaluate import cost
from unblur.evaluate.models import Spec, open_candidate
from unblur.nets import checkpoint
from unblur.nets.folded import folded


def test_onnx_and_pytorch_count_the_same(own: Path) -> None:
    parameters, gmacs = open_candidate(Spec("x", str(own.with_suffix(".onnx")), "onnx")).count()
    whole, own_gmacs = open_candidate(Spec("x", str(own), "unblur")).count()
    assert gmacs == pytest.approx(own_gmacs, rel=1e-6)
    # Norms and scales are folded into the convolutions beside them; of three levels, by how much
    # a context is enlarged stands in four numbers.
    net: Any = checkpoint.load_generator(own)[0]
    assert parameters == sum(p.numel() for p in folded(net).parameters()) + 3 * 4 < whole


@pytest.mark.parametrize(("groups", "transposed"), [(1, False), (3, False), (1, True), (3, True)])
def test_multiplications_of_a_convolution(tmp_path: Path, groups: int, transposed: bool) -> None:
    """3 channels to 6 and back, by hand: weights that meet each pixel, times the pixels."""
    first = np.zeros((3, 6 // groups, 4, 4) if transposed else (6, 3 // groups, 4, 4), np.float32)
    kind = "ConvTranspose" if transposed else "Conv"
    nodes = [
        helper.make_node(kind, ["image", "a"], ["x"], group=groups, strides=[2, 2],
                         pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["x", "b"], ["y"]),
        helper.make_node("Resize", ["y", "", "scales"], ["out"]),
    ]  # fmt: skip
    scale = 0.5 if transposed else 2.0
    values = {
        "a": first,
        "b": np.zeros((3, 6, 1, 1), np.float32),
        "scales": np.array([1, 1, scale, scale], np.float32),
    }
    path = write_onnx(tmp_path / "net.onnx", nodes, values)
    side = 512 if transposed else 128
    pixels = 256**2 if transposed else side**2
    expected = pixels * 3 * 6 * 16 / groups + side**2 * 6 * 3
    parameters, gmacs = open_candidate(Spec("x", str(path), "onnx")).count()
    assert gmacs == pytest.approx(expected / 1e9)
    assert parameters == first.size + 18 + 4


def test_a_model_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = stretch_onnx(tmp_path / "stretch.onnx")
    found = cost.of(Spec("x", str(path), "onnx"), side=256)
    assert found["seconds_per_megapixel"] > 0
    assert found["megapixels"] == pytest.approx(0.065536)
    if sys.platform == "linux":
        # Its float32 input and output alone are 24 bytes a pixel.
        assert found["peak_bytes_per_megapixel"] > 24e6


def test_a_process_that_fails_says_so_in_a_line() -> None:
    with pytest.raises(cost.CostError, match="none: its cost was not measured") as caught:
        cost.of(Spec("none", "none.onnx", "onnx"))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process its memory")
def test_the_peak_is_the_most_memory_held_at_once() -> None:
    before = cost.memory("VmRSS")
    cost.reset_peak()
    held = np.ones(2**27, np.uint8)
    del held
    peak = cost.memory("VmHWM")
    assert before is not None
    assert peak is not None
    assert 0.9 * 2**27 < peak - before < 1.2 * 2**27
