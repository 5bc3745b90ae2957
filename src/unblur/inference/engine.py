"""Opens a network: ONNX in OpenVINO or ONNX Runtime, a checkpoint in PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np

from unblur.errors import Hint, ModelError
from unblur.inference.contract import BLUR, FLOATS, Contract, Device, Network
from unblur.inference.models import CHECKPOINT, checked_digest, find_model, in_precision, is_bundled
from unblur.inference.onnxruntime_gpu import OnnxRuntimeNetwork, gpu_providers
from unblur.inference.openvino_cpu import OpenVINONetwork
from unblur.inference.options import Precision

METADATA_KEY = "unblur"
"""The ONNX metadata property that holds the contract, as JSON."""


def open_network(
    model: str | Path,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
) -> Network:
    """Opens an ONNX network, or (where PyTorch is installed) a checkpoint of unblur.

    Args:
        model, device, precision, threads: as in `Engine`, or a checkpoint, which PyTorch computes
            with threads of its own.

    Raises:
        ModelError: as `Engine`, if the device or the precision is unknown, or if a checkpoint is
            given and PyTorch is not installed.
        CheckpointError: if the file is not a checkpoint of unblur.
    """
    for what, value, known in (("device", device, Device), ("precision", precision, Precision)):
        if value not in get_args(known):
            raise ModelError(f"{what} must be one of {', '.join(get_args(known))}, not {value!r}")
    path = Path(model)
    if path.suffix != CHECKPOINT:
        return Engine(model, device, precision, threads)
    if not path.is_file():
        raise ModelError("no such file; a checkpoint was expected", file=path)
    try:
        from unblur import torch_engine
    except ImportError as error:
        needs = f"a checkpoint needs {error.name} (an ONNX file exported from it does not)"
        raise ModelError(needs, file=path, hint=Hint("install", ("train",))) from None
    return torch_engine.load(path, device, precision)


class Engine:
    """An ONNX network: `engine(batch)` takes and returns float32 (1, 3, h, w) in [-1, 1].

    Its first output is the restored image; one that measures blur has another, called "blur".
    Threads may call it at once; `parallel` calls run at a time, further ones wait.

    Args:
        model: the name of a bundled model, or an ONNX file with dynamic height and width.
        device: "auto" takes a GPU if ONNX Runtime finds one, else the CPU.
        precision: on the CPU: "auto" is bf16 where the processor computes in it natively, else
            "int8" of a bundled model where that is faster, else f32; "float" is bf16 or f32.
        threads: on the CPU: that compute; by default one a core. Results do not depend on it.

    Attributes:
        contract, parallel, digest, precision, description: as in `Network`.
        has_contract: whether the file states its contract, as those that unblur exports do.

    Raises:
        ModelError: if there is no such model (or none in 8 bits) or device, the file is not an
            ONNX network, or it is a damaged bundled file.
    """

    def __init__(
        self,
        model: str | Path = "default",
        device: Device = "auto",
        precision: Precision = "auto",
        threads: int | None = None,
    ) -> None:
        providers = gpu_providers() if device != "cpu" else []
        if device == "gpu" and not providers:
            raise ModelError("no GPU found", hint=Hint("install", ("gpu",)))
        path = find_model(model)
        named = path.stem if is_bundled(path) else path.absolute()
        self._opened = (named, device, precision, threads)
        if not providers:
            path = in_precision(path, precision)
        self.digest = checked_digest(path)
        try:
            if providers:
                self._run: Any = OnnxRuntimeNetwork(path, providers)
            else:
                computed = precision if precision in FLOATS else None
                self._run = OpenVINONetwork(path, computed, threads)
            self.parallel, self.precision = self._run.parallel, self._run.precision
            self.description = f"{self._run.where} in {self.precision}"
            stated = self._run.metadata(METADATA_KEY)
            self.has_contract = bool(stated)
            self.contract = Contract.from_json(stated) if stated else Contract()
        except (RuntimeError, ValueError, TypeError) as error:
            raise _unusable(path, error) from None
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Engine, self._opened

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        return self._outputs(batch, "restored")[0]

    def with_blur(self, batch: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        """The restored image and the blur, if the contract says that it is measured."""
        restored, blur = self._outputs(batch, "restored", BLUR)
        return restored, blur

    def blur(self, batch: np.ndarray, /) -> np.ndarray:
        """The blur alone, if the contract says that it is measured."""
        return self._outputs(batch, BLUR)[0]

    def _outputs(self, batch: np.ndarray, *names: str) -> list[np.ndarray]:
        try:
            return self._run(batch, names)
        except RuntimeError as error:
            raise _unusable(self._path, error) from None


def _unusable(path: Path, error: Exception) -> ModelError:
    reason = str(error).strip().splitlines()[-1]
    return ModelError(f"not an ONNX network that can be run ({reason})", file=path)
