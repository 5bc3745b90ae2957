"""A photo far larger than what is held of it, through a network that costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyvips
from onnx import TensorProto, helper, numpy_helper

from unblur import photo

SIDE = 8192
SCRIPT = """
import os, sys
from pathlib import Path
from benchmarks.workers import peak_memory  # which counts no parent's memory
os.cpu_count = lambda: 2  # with many cores, more tiles are at work at a time
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.deblur_file import deblur_file
deblurrer = Deblurrer(sys.argv[1], "cpu", precision="f32", tile=1024)
before = peak_memory()
deblur_file(deblurrer, Path(sys.argv[2]), Path(sys.argv[3]))
print((peak_memory() - before) / 2**20)
"""


def darkening_network(path: Path) -> Path:
    """An ONNX network, (b, 3, h, w) of any size: 0.75 x - 0.25, which darkens by a quarter."""
    kernel = (0.75 * np.eye(3, dtype=np.float32))[..., None, None]
    size = ["b", 3, "h", "w"]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "kernel", "offset"], ["restored"])],
        "darkening",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info("restored", TensorProto.FLOAT, size)],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(np.full(3, -0.25, np.float32), "offset"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return path


def test_64_megapixels_are_deblurred_in_600_megabytes(tmp_path: Path) -> None:
    network = darkening_network(tmp_path / "darkening.onnx")
    tile: Any = pyvips.Image.new_from_array(
        np.random.default_rng(0).integers(40, 250, (512, 512, 3), np.uint8), interpretation="srgb"
    )
    source, out = tmp_path / "photo.tif", tmp_path / "out.tif"
    tile.replicate(SIDE // 512, SIDE // 512).tiffsave(
        str(source), tile=True, tile_width=256, tile_height=256
    )
    command = [sys.executable, "-c", SCRIPT, str(network), str(source), str(out)]
    grown = float(subprocess.check_output(command, cwd=Path(__file__).parents[2]))
    # The pixels alone are 192 MiB, and as many again of the result; as floats, 768 each.
    assert grown < 600
    before, after = photo.read(source), photo.read(out)
    assert (after.width, after.height) == (SIDE, SIDE)
    for top, left in ((0, 0), (1000, 3000), (SIDE - 200, SIDE - 200)):
        part = before.region(top, left, 200, 200).astype(np.float64)
        darker = after.region(top, left, 200, 200)
        assert np.abs(darker - part * 0.75).max() <= 1
    assert not list(tmp_path.glob(".unblur-*"))
