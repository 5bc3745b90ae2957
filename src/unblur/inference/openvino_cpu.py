"""Runs ONNX networks on a CPU by OpenVINO."""

from __future__ import annotations

import functools
import os
import platform
import sys
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

import numpy as np

OFTEN = 16
"""Runs of one shape in a row after which compiling the network for it, half a second, pays."""


class OpenVINONetwork:
    """An ONNX network, compiled at its first run.

    In bf16 it is compiled for the shape of its first input, which is a seventh faster than for any
    shape and gives the same to the bit. For another shape it is compiled again for any, and after
    `OFTEN` runs of one shape in a row for that one. In other precisions the two differ in the last
    digits, and results would depend on earlier inputs: there it is compiled for any shape. Threads
    may call it at once; `parallel` calls run at a time, further ones wait.

    Args:
        path: an ONNX file.
        precision: "f32" or "bf16"; by default bf16 where the processor computes in it natively.
            A network quantised to 8 bits computes its other operators in f32.

    Raises:
        ValueError, RuntimeError: if the file is not a network that can be run.
    """

    where = "OpenVINO on the CPU"

    def __init__(self, path: Path, precision: str | None) -> None:
        self._core = _openvino().Core()
        self._network = read_onnx(path)
        quantised = any(op.get_type_name() == "FakeQuantize" for op in self._network.get_ops())
        # A convolution of one tile keeps about eight cores busy.
        self.parallel = max(1, (os.cpu_count() or 1) // 8)
        computed = "f32" if quantised else precision or ("bf16" if has_bf16() else "f32")
        self._options = {"NUM_STREAMS": str(self.parallel), "INFERENCE_PRECISION_HINT": computed}
        self.precision = "int8" if quantised else computed
        self._any_shape = computed != "bf16"
        self._lock = Lock()
        self._free: SimpleQueue[Any] | None = None
        self._compiled_for: tuple[int, ...] | None = None
        self._last, self._in_a_row = (), 0

    def metadata(self, key: str) -> str:
        """The file's metadata property of this name; "" if it has none."""
        network, where = self._network, ["framework", key]
        return str(network.get_rt_info(where).value) if network.has_rt_info(where) else ""

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        free = self._requests(batch.shape)
        request = free.get()
        try:
            return request.infer({0: batch})[0].copy()
        finally:
            free.put(request)

    def _requests(self, shape: tuple[int, ...]) -> SimpleQueue[Any]:
        wanted = None if self._any_shape else shape
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if shape == self._last else 1
            self._last = shape
            often = wanted is not None and self._in_a_row == OFTEN
            if self._free is None or (self._compiled_for is None and often):
                self._free = self._compile(wanted)
            elif self._compiled_for not in (None, wanted):
                self._free = self._compile(None)
            return self._free

    def _compile(self, shape: tuple[int, ...] | None) -> SimpleQueue[Any]:
        # Frees the earlier compilation first: the two need not be in memory at once.
        self._free = None
        network = self._network
        if shape is not None:
            network = network.clone()
            network.reshape(list(shape))
        compiled = self._core.compile_model(network, "CPU", self._options)
        self._compiled_for = shape
        free: SimpleQueue[Any] = SimpleQueue()
        for _ in range(self.parallel):
            free.put(compiled.create_infer_request())
        return free


def has_bf16() -> bool:
    """Whether the processor computes in bf16 natively."""
    return "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def gains_by_int8() -> bool:
    """Whether 8-bit networks are faster than float ones: on x86 without bf16.

    There they are even without VNNI instructions (docs/benchmarks.md).
    """
    return platform.machine().lower() in ("x86_64", "amd64") and not has_bf16()


def read_onnx(path: Path) -> Any:
    """Reads an ONNX file as an OpenVINO `Model`, not compiled; ValueError if it is no such file."""
    _openvino()
    from openvino.frontend import GeneralFailure

    _, reader = _onnx_reader()
    try:
        return reader.convert(reader.load(str(path)))
    except GeneralFailure as error:
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
