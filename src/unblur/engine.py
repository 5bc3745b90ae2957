"""Runs an ONNX network: OpenVINO on a CPU, ONNX Runtime where there is a GPU."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any, Literal, Protocol

import numpy as np

from unblur.errors import UnblurError

Device = Literal["auto", "cpu", "gpu"]
Precision = Literal["auto", "float", "f32", "bf16"]
FLOATS = ("f32", "bf16")
"""What `Network.precision` is of a network whose numbers were not rounded to 8 bits."""

METADATA_KEY = "unblur"
"""The ONNX metadata property that holds the contract, as JSON."""
CHECKPOINT = ".safetensors"
"""Ending of a checkpoint, which PyTorch runs (see `restore.open_network`)."""
OTHER_NAMES = {"natural": "default"}
"""What bundled models are called as well."""
WHOLE = 2**16
"""Side of a tile, in pixels, that no photo fills: the network is given the whole."""


class ModelError(UnblurError):
    """A model that cannot be used; the message says what was expected."""


@dataclass(frozen=True)
class Contract:
    """What a network needs to know of its input; images are (1, 3, h, w) in [-1, 1]."""

    multiple: int = 8
    """Height and width are multiples of this."""
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
        """What it computes in, as it turned out: "f32", "bf16"."""
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
        precision: on the CPU: "auto" and "float" compute in bf16 where the processor does so
            natively.

    Raises:
        ModelError: if there is no such model, the file is none or, bundled, not the one that was
            published, or there is no such device.
    """

    def __init__(
        self,
        model: str | Path = "default",
        device: Device = "auto",
        precision: Precision = "auto",
    ) -> None:
        path = find_model(model)
        providers = _gpu_providers() if device != "cpu" else []
        if device == "gpu" and not providers:
            raise ModelError("no GPU found; unblur[gpu] installs what finds one, or use the CPU")
        self.digest = _published(path) if path.parent == _bundled() else _sha256(path)
        try:
            load = _load_onnxruntime if providers else _load_openvino
            self._run, contract, self.parallel, where, self.precision = load(
                path, providers or precision
            )
            self.description = f"{where} in {self.precision}"
            self.named = bool(contract)
            self.contract = Contract(**json.loads(contract)) if contract else Contract()
        except (RuntimeError, ValueError, TypeError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise ModelError(f"{path}: not an ONNX network that can be run ({reason})") from None

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        return self._run(batch)


def find_model(model: str | Path) -> Path:
    """The file of a bundled model's name (or of one of `OTHER_NAMES`), or of a path.

    Raises:
        ModelError: if there is neither.
    """
    bundled = _bundled()
    named = bundled / f"{OTHER_NAMES.get(str(model), model)}.onnx"
    if named.is_file() and named.parent == bundled:
        return named
    path = Path(model)
    if path.suffix == ".onnx" and path.is_file():
        return path
    names = ", ".join(sorted([*OTHER_NAMES, *(p.stem for p in bundled.glob("*.onnx"))]))
    raise ModelError(
        f"no model {str(model)!r}: name a bundled one ({names}), an ONNX file or a checkpoint "
        f"({CHECKPOINT})"
    )


def _published(path: Path) -> str:
    """The SHA-256 of a bundled file; ModelError if a bundled one is not what was published.

    All of them are looked at: one may take weights from another.
    """
    sums = (path.parent / "SHA256SUMS").read_text(encoding="utf-8").split()
    expected = dict(zip(sums[1::2], sums[::2], strict=True))
    for file in {path, *(path.with_name(name) for name in expected)}:
        if not file.is_file() or _sha256(file) != expected.get(file.name):
            raise ModelError(f"{file}: damaged, its checksum is another; install unblur again")
    return expected[path.name]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _bundled() -> Path:
    return Path(str(resources.files("unblur"))) / "weights"


def read_onnx(path: Path) -> Any:
    """An ONNX file as OpenVINO's `Model`, not compiled.

    Raises:
        ValueError: if it is no such file.
    """
    _import_openvino()
    from openvino.frontend import GeneralFailure

    _, reader = _onnx_reader()
    try:
        return reader.convert(reader.load(str(path)))
    except GeneralFailure as error:
        raise ValueError(str(error)) from None


@functools.cache
def _import_openvino() -> Any:
    """OpenVINO, without telling Google Analytics of it: each import of it would.

    It asks for the package that sends, and does without where there is none.
    """
    sender = "openvino_telemetry"
    hidden = sender not in sys.modules
    if hidden:
        sys.modules[sender] = None  # pyright: ignore[reportArgumentType]
    try:
        import openvino
    finally:
        if hidden:
            del sys.modules[sender]
    return openvino


@functools.cache
def _onnx_reader() -> tuple[Any, Any]:
    # By name: left to guess, other readers write about a file that is none to standard error.
    # Kept: what it reads with is unloaded when it goes, though its models may still be in use.
    from openvino.frontend import FrontEndManager

    manager = FrontEndManager()
    return manager, manager.load_by_framework("onnx")


Loaded = tuple[Callable[[np.ndarray], np.ndarray], str, int, str, str]
"""The network, its contract as JSON, how many calls of it run at a time, where, in what."""


def _load_openvino(path: Path, precision: Any) -> Loaded:
    core = _import_openvino().Core()
    network = read_onnx(path)
    where = ["framework", METADATA_KEY]
    contract = str(network.get_rt_info(where).value) if network.has_rt_info(where) else ""
    # A convolution of one tile keeps about eight cores busy.
    parallel = max(1, (os.cpu_count() or 1) // 8)
    options: dict[str, Any] = {"NUM_STREAMS": str(parallel)}
    if precision not in ("auto", "float"):
        options["INFERENCE_PRECISION_HINT"] = precision
    compiled = core.compile_model(network, "CPU", options)
    free: SimpleQueue[Any] = SimpleQueue()
    for _ in range(parallel):
        free.put(compiled.create_infer_request())

    def run(batch: np.ndarray) -> np.ndarray:
        request = free.get()
        try:
            return request.infer({0: batch})[0].copy()
        finally:
            free.put(request)

    computed = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    return run, contract, parallel, "OpenVINO on the CPU", computed


def _load_onnxruntime(path: Path, providers: Any) -> Loaded:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=providers)
    name = session.get_inputs()[0].name
    contract = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY, "")
    one = Lock()

    def run(batch: np.ndarray) -> np.ndarray:
        with one:
            return np.asarray(session.run(None, {name: batch})[0])

    where = session.get_providers()[0].removesuffix("ExecutionProvider")
    return run, contract, 1, f"ONNX Runtime on {where}", "f32"


def _gpu_providers() -> list[str]:
    try:
        import onnxruntime
    except ImportError:
        return []
    known = ("CUDAExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider")
    found = [name for name in known if name in onnxruntime.get_available_providers()]
    return [*found, "CPUExecutionProvider"] if found else []
