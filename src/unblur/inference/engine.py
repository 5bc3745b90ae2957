"""Opens a network: ONNX in OpenVINO or ONNX Runtime, a checkpoint in PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np

from unblur.errors import Hint, ModelError
from unblur.inference import catalogue
from unblur.inference.contract import BLUR, FLOATS, METADATA_KEY, Contract, Device, Network
from unblur.inference.foreign import Foreign
from unblur.inference.models import checked_digest, find_model, in_precision, is_bundled, untrusted
from unblur.inference.onnxruntime_gpu import OnnxRuntimeNetwork, gpu_providers
from unblur.inference.openvino_cpu import OpenVINONetwork
from unblur.inference.options import Precision
from unblur.inference.probe import Known
from unblur.inference.suffixes import ONNX, PICKLES


def open_network(
    model: str | Path,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
    trust: bool = False,
) -> Network:
    """Opens a network of unblur or of others: an ONNX file, or a checkpoint (with PyTorch).

    What a network of others requires of images is found out by trying (`probe`), once: it is kept
    beside the file or in the user's cache (`contracts`). On the CPU, "auto" and "float" compute
    it in f32, as its authors do.

    Args:
        model, device, precision, threads: as in `Engine`, or a checkpoint of unblur
            (.safetensors) or of others that spandrel recognises (.safetensors, .pth, .pt, .ckpt),
            which PyTorch computes with threads of its own.
        trust: whether a checkpoint in Python's pickle format (.pth, .pt, .ckpt) may be opened.
            Of one, too, weights alone are read.

    Raises:
        ModelError: as `Engine`, if the device or the precision is unknown, a pickle is not
            trusted, a package is missing, or it does not restore RGB images.
        CheckpointError: if a checkpoint of unblur cannot be used.
    """
    for what, value, known in (("device", device, Device), ("precision", precision, Precision)):
        if value not in get_args(known):
            raise ModelError(f"{what} must be one of {', '.join(get_args(known))}, not {value!r}")
    path = find_model(model)
    if path.suffix.lower() == ONNX:
        engine = Engine(model, device, precision, threads)
        if engine.has_contract:
            return engine
        again = open_network, (path.absolute(), device, precision, threads, trust)
        return Foreign(engine, engine.path, again)
    if path.suffix.lower() in PICKLES and not trust:
        raise untrusted(path)
    try:
        from unblur import torch_engine
    except ImportError as error:
        needs = f"a checkpoint needs {error.name} (an ONNX file exported from it does not)"
        raise ModelError(needs, file=path, hint=Hint("install", ("train",))) from None
    return torch_engine.load(path, device, precision, trust)


class Engine:
    """An ONNX network: `engine(batch)` takes and returns float32 (1, 3, h, w) in [-1, 1].

    Its first output is the restored image; one that measures blur has another, called "blur".
    Threads may call it at once; `parallel` calls run at a time, further ones wait.

    Args:
        model: the name of a model (`find_model`), or an ONNX file.
        device: "auto" takes a GPU if ONNX Runtime finds one, else the CPU.
        precision: on the CPU: "auto" is bf16 where the processor computes in it natively, else
            "int8" of a bundled model where that is faster, else f32; "float" is bf16 or f32.
        threads: on the CPU: that compute; by default one a core. Results do not depend on it.

    Attributes:
        contract, parallel, digest, precision, description: as in `Network`.
        has_contract: whether the file states its contract, as those that unblur exports do.
        path: the file.

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
        self.path: Path = path
        self.digest: str = checked_digest(path)
        try:
            if providers:
                self._run: Any = OnnxRuntimeNetwork(path, providers)
            else:
                computed = precision if precision in FLOATS else None
                self._run = OpenVINONetwork(path, computed, threads)
            self.parallel: int = self._run.parallel
            self.precision: str = self._run.precision
            self.description: str = f"{self._run.where} in {self.precision}"
            stated = self._run.metadata(METADATA_KEY)
            self.has_contract: bool = bool(stated)
            self.contract: Contract = Contract.from_json(stated) if stated else Contract()
        except (RuntimeError, ValueError, TypeError) as error:
            raise _unusable(path, error) from None

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

    def outputs(self, batch: np.ndarray, /) -> list[np.ndarray]:
        """All outputs, of a network that takes float32 or float16; as of `foreign.Raw`."""
        half = self._run.takes[0][1] == "f16"
        return self._run.all(batch.astype(np.float16) if half else batch)

    @property
    def known(self) -> Known:
        """What the file or the catalogue says of its input.

        Raises:
            ModelError: if that is not one RGB image.
        """
        taken = self._run.takes
        shape, kind = taken[0] if taken else ([], "")
        rgb = len(shape) == 4 and shape[0] in (None, 1) and shape[1] in (None, 3)
        rgb = rgb and (shape[2] is None) == (shape[3] is None)
        if len(taken) != 1 or not rgb or kind not in ("f32", "f16"):
            inputs = ", ".join(f"{kind} {_text(shape)}" for shape, kind in taken) or "nothing"
            expected = "one input of floats (1, 3, height, width), both free or fixed, was expected"
            raise ModelError(f"takes {inputs}; {expected}", file=self.path)
        height, width = shape[2:]
        entry = catalogue.by_digest(self.digest)
        return Known(
            size=None if height is None or width is None else (height, width),
            scale=(float(entry.low), float(entry.high)) if entry else None,
        )

    def _outputs(self, batch: np.ndarray, *names: str) -> list[np.ndarray]:
        try:
            return self._run(batch, names)
        except RuntimeError as error:
            raise _unusable(self.path, error) from None


def _text(shape: list[int | None]) -> str:
    return "(" + ", ".join("?" if n is None else str(n) for n in shape) + ")"


def _unusable(path: Path, error: Exception) -> ModelError:
    reason = str(error).strip().splitlines()[-1]
    return ModelError(f"not an ONNX network that can be run ({reason})", file=path)
