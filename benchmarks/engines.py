"""The runtimes that a network can run in, and what they are given."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from unblur.inference.deblurrer import Deblurrer
from unblur.inference.models import find_model
from unblur.inference.openvino_cpu import has_bf16
from unblur.inference.options import Precision

OPENVINO, BF16, INT8 = "OpenVINO f32", "OpenVINO bf16", "OpenVINO int8"
ONNXRUNTIME, TORCH = "ONNX Runtime", "PyTorch f32"


def runtimes(model: str) -> list[str]:
    """Those that can run the model here; PyTorch runs the bundled ones."""
    found = [OPENVINO, *([BF16] if has_bf16() else []), ONNXRUNTIME]
    return found if model.endswith(".onnx") else [*found[:-1], INT8, ONNXRUNTIME, TORCH]


def deblurrer(runtime: str, model: str, tile: int | None = None) -> Deblurrer:
    """The tool's own, with its network run by that runtime on the CPU."""
    precisions: dict[str, Precision] = {BF16: "bf16", INT8: "int8"}
    made = Deblurrer(model, "cpu", tile=tile, precision=precisions.get(runtime, "f32"))
    engine: Any = made.engine
    if runtime == ONNXRUNTIME:
        engine._run = _onnxruntime(model)
    elif runtime == TORCH:
        engine._run = _torch(model)
    return made


def make(
    runtime: str, model: str, height: int, width: int, tile: int | None = None
) -> Callable[[], object]:
    """A task for a `Worker`: a random 8-bit photo, deblurred as the tool does."""
    return functools.partial(deblurrer(runtime, model, tile), photo(height, width))


def photo(height: int, width: int) -> np.ndarray:
    """A random (height, width, 3) of uint8: what it shows does not change what it costs."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def batches(own: Deblurrer, image: np.ndarray) -> list[np.ndarray]:
    """What the engine is given for one photo: its tiles, in order."""
    engine = own.engine
    seen: list[np.ndarray] = []

    class Recorder:
        contract, parallel = engine.contract, engine.parallel

        def __call__(self, batch: np.ndarray) -> np.ndarray:
            seen.append(batch)
            return batch

    recording: Any = Recorder()
    own.engine = recording
    try:
        own(image)
    finally:
        own.engine = engine
    return seen


def _onnxruntime(model: str) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(find_model(model), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch})[0]


def _torch(model: str) -> Any:
    import torch

    from unblur.nets.checkpoint import load_generator

    net, _, _ = load_generator(find_model(model))
    net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def run(batch: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(batch).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            return net(image).numpy()

    return run
