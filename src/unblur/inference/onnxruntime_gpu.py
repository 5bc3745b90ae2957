"""Runs ONNX networks on a GPU by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import numpy as np

PROVIDERS = ("CUDAExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider")


class OnnxRuntimeNetwork:
    """A network on a GPU, one batch at a time; same interface as `OpenVINONetwork`."""

    parallel = 1
    precision = "f32"

    def __init__(self, path: Path, providers: list[str]) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(path, providers=providers)
        self._input = self._session.get_inputs()[0].name
        self._lock = Lock()
        provider = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        self.where = f"ONNX Runtime on {provider}"

    def metadata(self, key: str) -> str:
        """The file's metadata property of this name; "" if it has none."""
        return self._session.get_modelmeta().custom_metadata_map.get(key, "")

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        with self._lock:
            return np.asarray(self._session.run(None, {self._input: batch})[0])


def gpu_providers() -> list[str]:
    """ONNX Runtime's providers for a GPU, then the CPU; empty if there is no GPU."""
    try:
        import onnxruntime
    except ImportError:
        return []
    found = [name for name in PROVIDERS if name in onnxruntime.get_available_providers()]
    return [*found, "CPUExecutionProvider"] if found else []
