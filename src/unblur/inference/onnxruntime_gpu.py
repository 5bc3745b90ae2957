"""Runs ONNX networks on a GPU by ONNX Runtime."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from unblur.inference.contract import BLUR

PROVIDERS = ("CUDAExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider")


class OnnxRuntimeNetwork:
    """A network on a GPU, one batch at a time; same interface as `OpenVINONetwork`."""

    parallel = 1
    precision = "f32"

    def __init__(self, path: Path, providers: list[str]) -> None:
        onnxruntime = import_onnxruntime()
        self._session = onnxruntime.InferenceSession(path, providers=providers)
        self._input = self._session.get_inputs()[0].name
        self._restored = self._session.get_outputs()[0].name
        self._partly = onnxruntime.RunOptions()
        # Else the whole network is computed for the blur alone.
        self._partly.only_execute_path_to_fetches = True
        self._lock = Lock()
        provider = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        self.where: str = f"ONNX Runtime on {provider}"

    @property
    def takes(self) -> list[tuple[list[int | None], str]]:
        """Shape (None where it is free) and type of each input."""
        names = {"tensor(float)": "f32", "tensor(float16)": "f16"}
        return [
            (
                [n if isinstance(n, int) else None for n in port.shape],
                names.get(str(port.type), str(port.type)),
            )
            for port in self._session.get_inputs()
        ]

    def metadata(self, key: str) -> str:
        """The file's metadata property of this name; "" if it has none."""
        return self._session.get_modelmeta().custom_metadata_map.get(key, "")

    def __call__(self, batch: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
        names = [BLUR if name == BLUR else self._restored for name in outputs]
        with self._lock:
            found = self._session.run(names, {self._input: batch}, self._partly)
        return [np.asarray(values) for values in found]

    def all(self, batch: np.ndarray) -> list[np.ndarray]:
        """All outputs of the file, in its order."""
        with self._lock:
            return [np.asarray(x) for x in self._session.run(None, {self._input: batch})]


def gpu_providers() -> list[str]:
    """ONNX Runtime's providers for a GPU, then the CPU; empty if there is no GPU."""
    try:
        onnxruntime = import_onnxruntime()
    except ImportError:
        return []
    found = [name for name in PROVIDERS if name in onnxruntime.get_available_providers()]
    return [*found, "CPUExecutionProvider"] if found else []


def import_onnxruntime() -> Any:
    """Imports ONNX Runtime without its telemetry.

    Since 1.29 it reports each session to Microsoft: the name and a hash of the model's file among
    other things (its docs/Privacy.md). It keeps to what it finds in the environment when it is
    imported.

    Raises:
        ImportError: if it is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    return importlib.import_module("onnxruntime")
