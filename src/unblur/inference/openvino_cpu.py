"""Runs ONNX networks on a CPU by OpenVINO."""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

import numpy as np

from unblur.inference.contract import BLUR, METADATA_KEY

OFTEN = 8
"""Runs of one shape after which compiling the network for it, half a second, pays."""


class OpenVINONetwork:
    """An ONNX network, compiled at its first run; threads may call it at once.

    `parallel` calls run at a time, further ones wait.

    Args:
        path: an ONNX file.
        precision: "f32" or "bf16"; by default bf16 where the processor computes in it natively and
            the network is one of unblur, which are made for it, else f32. A network quantised to
            8 bits computes its other operators in f32.
        threads: that it computes with; by default one a core. Results do not depend on it.

    Raises:
        ValueError, RuntimeError: if the file is not a network that can be run.
    """

    where = "OpenVINO on the CPU"

    def __init__(self, path: Path, precision: str | None, threads: int | None = None) -> None:
        network = read_onnx(path)
        quantised = any(op.get_type_name() == "FakeQuantize" for op in network.get_ops())
        # A convolution of one tile keeps about eight cores busy.
        self.parallel: int = max(1, (threads or os.cpu_count() or 1) // 8)
        self._network = network
        native = "bf16" if self.metadata(METADATA_KEY) and has_bf16() else "f32"
        computed = "f32" if quantised else precision or native
        self.precision: str = "int8" if quantised else computed
        options = {"NUM_STREAMS": str(self.parallel), "INFERENCE_PRECISION_HINT": computed}
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = str(threads)
        self._whole = _Compiled(network, self.parallel, options)
        self._blur = _Compiled(_blur_alone(network), self.parallel, options)

    @property
    def takes(self) -> list[tuple[list[int | None], str]]:
        """Shape (None where it is free; [] where its length is) and type of each input."""
        return [
            (
                [None if n.is_dynamic else n.get_length() for n in shape]
                if (shape := port.get_partial_shape()).rank.is_static
                else [],
                port.get_element_type().get_type_name(),
            )
            for port in self._network.inputs
        ]

    def metadata(self, key: str) -> str:
        """The file's metadata property of this name; "" if it has none."""
        network, where = self._network, ["framework", key]
        return str(network.get_rt_info(where).value) if network.has_rt_info(where) else ""

    def __call__(self, batch: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
        """The first output of the file, or that called "blur", for each of the names."""
        if list(outputs) == [BLUR]:
            return self._blur(batch)
        found = self._whole(batch)
        return [found[1 if name == BLUR else 0] for name in outputs]

    def all(self, batch: np.ndarray) -> list[np.ndarray]:
        """All outputs of the file, in its order."""
        return self._whole(batch)


class _Compiled:
    """A network, compiled at its first run, for any shape.

    In bf16, the shape that has been run `OFTEN` times gets a compilation of its own, which is a
    seventh faster and gives the same picture to the bit, and the same blur but for last digits in
    single cells. In other precisions the pictures differ, and results would depend on earlier
    inputs.
    """

    def __init__(self, network: Any, parallel: int, options: dict[str, str]) -> None:
        self._network, self._parallel, self._options = network, parallel, options
        self._precision = options["INFERENCE_PRECISION_HINT"]
        self._lock = Lock()
        self._runs: Counter[tuple[int, ...]] = Counter()
        self._free: dict[tuple[int, ...] | None, SimpleQueue[Any]] = {}

    def __call__(self, batch: np.ndarray) -> list[np.ndarray]:
        free = self._requests(batch.shape)
        request = free.get()
        try:
            return [values.copy() for values in request.infer({0: batch}).to_tuple()]
        except RuntimeError:
            # Of a shape that it does not take. What has failed once computes later shapes wrongly,
            # mostly (OpenVINO 2026.4): the next call compiles anew.
            with self._lock:
                self._free = {key: old for key, old in self._free.items() if old is not free}
            raise
        finally:
            free.put(request)

    def _requests(self, shape: tuple[int, ...]) -> SimpleQueue[Any]:
        with self._lock:
            self._runs[shape] += 1
            if self._precision == "bf16" and self._runs[shape] == OFTEN:
                # One at a time, for memory's sake.
                self._free = {key: free for key, free in self._free.items() if key is None}
                self._free[shape] = self._compile(shape)
            wanted = shape if shape in self._free else None
            if wanted not in self._free:
                self._free[wanted] = self._compile(None)
            return self._free[wanted]

    def _compile(self, shape: tuple[int, ...] | None) -> SimpleQueue[Any]:
        network = self._network
        if shape is not None:
            network = network.clone()
            network.reshape(list(shape))
        compiled = _openvino().Core().compile_model(network, "CPU", self._options)
        free: SimpleQueue[Any] = SimpleQueue()
        for _ in range(self._parallel):
            free.put(compiled.create_infer_request())
        return free


def _blur_alone(network: Any) -> Any:
    """The part of a network that its output "blur" needs; all of it if it has none."""
    outputs = [port for port in network.outputs if BLUR in port.get_names()]
    if not outputs:
        return network
    # A model of some of its results: OpenVINO drops what they do not need.
    results = [port.get_node() for port in outputs]
    return _openvino().Model(results, network.get_parameters(), BLUR)


def has_bf16() -> bool:
    """Whether the processor computes in bf16 natively."""
    return "BF16" in capabilities()


def capabilities() -> list[str]:
    """What the processor computes natively, in OpenVINO's words: FP32, BF16, INT8, ..."""
    return list(_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def devices() -> dict[str, str]:
    """OpenVINO's devices on this machine, and their full names."""
    core = _openvino().Core()
    return {name: core.get_property(name, "FULL_DEVICE_NAME") for name in core.available_devices}


def version() -> str:
    """OpenVINO's version: "2026.4.1"."""
    return _openvino().__version__.partition("-")[0]


def gains_by_int8() -> bool:
    """Whether 8-bit networks are faster than float ones: on x86 without bf16.

    There they are even without VNNI instructions (docs/benchmarks.md).
    """
    return platform.machine().lower() in ("x86_64", "amd64") and not has_bf16()


def read_onnx(path: Path) -> Any:
    """Reads an ONNX file as an OpenVINO `Model`, not compiled.

    Raises:
        ValueError: if it is no such file, or has an operator that OpenVINO does not know.
    """
    _openvino()
    from openvino import frontend

    _, reader = _onnx_reader()
    # All of its errors but RuntimeError: they have no other class in common.
    failures = frontend.GeneralFailure, frontend.InitializationFailure
    failures += frontend.NotImplementedFailure, frontend.OpConversionFailure
    failures += (frontend.OpValidationFailure,)
    try:
        return reader.convert(reader.load(str(path)))
    except failures as error:
        raise ValueError(str(error)) from None


@functools.cache
def _openvino() -> Any:
    """Imports OpenVINO without its telemetry, which reports each import to Google Analytics.

    OpenVINO works without the package that sends the reports; it is hidden during the import.
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
    # By name: OpenVINO's other front ends print to standard error about files that are not ONNX.
    # Cached: the front end's library is unloaded with it, although its models may be in use.
    from openvino.frontend import FrontEndManager

    manager = FrontEndManager()
    return manager, manager.load_by_framework("onnx")
