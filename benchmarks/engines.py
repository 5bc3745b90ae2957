"""The runtimes of a network, the photos they are given, and the tiles of a photo."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyvips

from unblur import Deblurrer
from unblur.inference.contract import Network
from unblur.inference.models import find_model
from unblur.inference.onnxruntime_gpu import import_onnxruntime
from unblur.inference.openvino_cpu import has_bf16
from unblur.inference.options import Precision

OPENVINO, BF16, INT8 = "OpenVINO f32", "OpenVINO bf16", "OpenVINO int8"
ONNXRUNTIME, TORCH = "ONNX Runtime", "PyTorch f32"
PRECISIONS: dict[str, Precision] = {BF16: "bf16", INT8: "int8"}


def floats() -> list[str]:
    """The runtimes of this CPU that compute in floats."""
    return [OPENVINO, BF16] if has_bf16() else [OPENVINO]


def runtimes(model: str) -> list[str]:
    """The runtimes of a model on this CPU; 8 bits and PyTorch are for bundled models."""
    return [*floats(), *([ONNXRUNTIME] if model.endswith(".onnx") else [INT8, ONNXRUNTIME, TORCH])]


def deblurrer(runtime: str, model: str, tile: int | None = None) -> Deblurrer:
    """A deblurrer whose network runs in the runtime, on the CPU."""
    own = Deblurrer(model, "cpu", tile=tile, precision=PRECISIONS.get(runtime, "f32"))
    if runtime == ONNXRUNTIME:
        return Deblurrer(Replaced(own.engine, _onnxruntime(model)), tile=tile)
    if runtime == TORCH:
        from unblur import torch_engine

        return Deblurrer(torch_engine.load(find_model(model)), tile=tile)
    return own


def make(
    runtime: str, model: str, height: int, width: int, tile: int | None = None
) -> Callable[[], object]:
    """A task for a `Worker`: deblur a random 8-bit photo."""
    return functools.partial(deblurrer(runtime, model, tile), noise(height, width))


def noise(height: int, width: int, bands: int = 3) -> np.ndarray:
    """A random (height, width, bands) of uint8; the cost does not depend on the content."""
    return np.random.default_rng(0).integers(0, 256, (height, width, bands), dtype=np.uint8)


def texture(height: int, width: int, bands: int = 3) -> Any:
    """A pyvips image of noise enlarged eight times: photo-like, and changed by the network."""
    small: Any = pyvips.Image.new_from_array(noise(-(-height // 8), -(-width // 8), bands))
    return small.resize(8, kernel="linear").crop(0, 0, width, height)


def batches(own: Deblurrer, image: np.ndarray) -> list[np.ndarray]:
    """The network's inputs for one photo: its tiles, in order."""
    seen: list[np.ndarray] = []

    def record(batch: np.ndarray) -> np.ndarray:
        seen.append(batch)
        return batch

    Deblurrer(Replaced(own.engine, record), tile=own.tile, best=own.best)(image)
    return seen


class Replaced:
    """A network whose computation is replaced by a function, which measures no blur."""

    def __init__(self, network: Network, run: Callable[[np.ndarray], np.ndarray]) -> None:
        self.contract = replace(network.contract, measures_blur=False)
        self.parallel, self.digest = network.parallel, ""
        self.precision, self.description = network.precision, "replaced"
        self.run = run

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        return self.run(batch)


def _onnxruntime(model: str) -> Callable[[np.ndarray], Any]:
    onnxruntime = import_onnxruntime()

    session = onnxruntime.InferenceSession(find_model(model), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    restored, partly = [session.get_outputs()[0].name], onnxruntime.RunOptions()
    # Else the blur is measured too.
    partly.only_execute_path_to_fetches = True
    return lambda batch: session.run(restored, {name: batch}, partly)[0]
