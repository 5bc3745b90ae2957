"""Runs an ONNX network: OpenVINO on a CPU, ONNX Runtime where there is a GPU."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol

import numpy as np

from unblur.errors import ModelError
from unblur.inference import openvino_cpu

Device = Literal["auto", "cpu", "gpu"]
Precision = Literal["auto", "float", "f32", "bf16", "int8"]
FLOATS = ("f32", "bf16")
"""What `Network.precision` is of a network whose numbers were not rounded to 8 bits."""

METADATA_KEY = "unblur"
"""The ONNX metadata property that holds the contract, as JSON."""
CHECKPOINT = ".safetensors"
"""Ending of a checkpoint, which PyTorch runs (see `restore.open_network`)."""
INT8 = "-int8"
"""Ending of the name of a model that is another in 8 bits."""
WHOLE = 2**16
"""Side of a tile, in pixels, that no photo fills: the network is given the whole."""


@dataclass(frozen=True)
class Contract:
    """What a network needs to know of its input; images are (1, 3, h, w) in [-1, 1]."""

    multiple: int = 8
    """Height and width are multiples of this."""
    smallest: int = 1
    """Height and width are this at least: less is no picture to a network that looks around."""
    tile: int = 1280
    """Largest side that the network is given at once."""
    overlap: int = 128
    """Pixels that neighbouring tiles share."""
    gated: bool = True
    """Whether what needs no deblurring is left as it was (see `gate`)."""


class Network(Protocol):
    """What computes: `network(batch)` takes and returns float32 (1, 3, h, w) in [-1, 1]."""

    @property
    def contract(self) -> Contract: ...

    @property
    def parallel(self) -> int:
        """Calls that run at a time."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the file that it was loaded from."""
        ...

    @property
    def precision(self) -> str:
        """What it computes in, as it turned out: "f32", "bf16", "int8"."""
        ...

    @property
    def description(self) -> str:
        """How it computes, for people: "OpenVINO on the CPU in bf16"."""
        ...

    def __call__(self, batch: np.ndarray, /) -> np.ndarray: ...


class Engine:
    """A loaded network: `engine(batch)` takes and returns float32 (1, 3, h, w) in [-1, 1].

    Threads may call it at once; `parallel` of them run at a time, the others wait. `digest` is the
    SHA-256 of the file; `named` tells whether the file says what its contract is.

    Args:
        model: the name of a bundled model, or an ONNX file with dynamic height and width.
        device: "auto" takes a GPU if ONNX Runtime finds one, else the CPU.
        precision: on the CPU: "auto" is bf16 where the processor computes in it natively, else
            "int8" of a bundled model where that is faster, else f32; "float" is bf16 or f32.

    Raises:
        ModelError: if there is no such model or none in 8 bits, the file is none or, bundled, not
            the one that was published, or there is no such device.
    """

    def __init__(
        self,
        model: str | Path = "default",
        device: Device = "auto",
        precision: Precision = "auto",
    ) -> None:
        providers = _gpu_providers() if device != "cpu" else []
        if device == "gpu" and not providers:
            raise ModelError("no GPU found; unblur[gpu] installs what finds one, or use the CPU")
        path = find_model(model)
        if not providers:
            path = _in_precision(path, precision)
        self.digest = _published(path) if path.parent == _bundled() else _sha256(path)
        try:
            if providers:
                self._run: Any = OnnxRuntimeNetwork(path, providers)
            else:
                named = precision if precision in FLOATS else None
                self._run = openvino_cpu.OpenVINONetwork(path, named)
            self.parallel, self.precision = self._run.parallel, self._run.precision
            self.description = f"{self._run.where} in {self.precision}"
            contract = self._run.metadata(METADATA_KEY)
            self.named = bool(contract)
            self.contract = Contract(**json.loads(contract)) if contract else Contract()
        except (RuntimeError, ValueError, TypeError) as error:
            raise _unusable(path, error) from None
        self._path = path

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        try:
            return self._run(batch)
        except RuntimeError as error:
            raise _unusable(self._path, error) from None


def find_model(model: str | Path) -> Path:
    """The file of a bundled model's name, or of a path.

    Raises:
        ModelError: if there is neither.
    """
    bundled = _bundled()
    named = bundled / f"{model}.onnx"
    if named.is_file() and named.parent == bundled:
        return named
    path = Path(model)
    if path.suffix == ".onnx" and path.is_file():
        return path
    names = ", ".join(sorted(p.stem for p in bundled.glob("*.onnx")))
    raise ModelError(
        f"no model {str(model)!r}: name a bundled one ({names}), an ONNX file or a checkpoint "
        f"({CHECKPOINT})"
    )


def _in_precision(path: Path, precision: Precision) -> Path:
    """The file that computes in a precision: the model's own, or the one in 8 bits beside it."""
    small = path.with_name(f"{path.stem}{INT8}{path.suffix}")
    bundled = path.parent == _bundled() and small.is_file()
    if precision == "int8" and not path.stem.endswith(INT8):
        if not small.is_file():
            raise ModelError(
                f"{path}: no {small.name} beside it; unblur export --int8 makes it, or leave the "
                "precision out"
            )
        return small
    return small if precision == "auto" and bundled and openvino_cpu.gains_by_int8() else path


def _unusable(path: Path, error: Exception) -> ModelError:
    reason = str(error).strip().splitlines()[-1]
    return ModelError(f"{path}: not an ONNX network that can be run ({reason})")


def _published(path: Path) -> str:
    """The SHA-256 of a bundled file; ModelError if it is not what was published."""
    sums = (path.parent / "SHA256SUMS").read_text(encoding="utf-8").split()
    digest = _sha256(path)
    if digest != dict(zip(sums[1::2], sums[::2], strict=True)).get(path.name):
        raise ModelError(f"{path}: damaged, its checksum is another; install unblur again")
    return digest


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _bundled() -> Path:
    return Path(str(resources.files("unblur"))) / "weights"


class OnnxRuntimeNetwork:
    """A network on a GPU, one batch at a time; as `openvino_cpu.OpenVINONetwork`."""

    parallel = 1
    precision = "f32"

    def __init__(self, path: Path, providers: list[str]) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(path, providers=providers)
        self._input = self._session.get_inputs()[0].name
        self._alone = Lock()
        provider = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        self.where = f"ONNX Runtime on {provider}"

    def metadata(self, key: str) -> str:
        return self._session.get_modelmeta().custom_metadata_map.get(key, "")

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        with self._alone:
            return np.asarray(self._session.run(None, {self._input: batch})[0])


def _gpu_providers() -> list[str]:
    try:
        import onnxruntime
    except ImportError:
        return []
    known = ("CUDAExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider")
    found = [name for name in known if name in onnxruntime.get_available_providers()]
    return [*found, "CPUExecutionProvider"] if found else []
