"""Runs ONNX networks on a CPU by OpenVINO."""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any

import numpy as np

OFTEN = 16
"""Runs of one shape in a row that pay for a compilation of its own, which takes half a second."""


class OpenVINONetwork:
    """A network that is compiled when it is first run.

    In bf16 it is compiled for the shape that it is run with, which is a seventh faster than for
    any and gives the same to the bit. When another shape comes it is compiled for any, and for one
    again when one has come `OFTEN` times in a row. In other precisions the two differ in the last
    digits, and results would depend on what came before: it is compiled for any shape. Threads
    may call it at once; `parallel` of them run at a time, the others wait.

    Args:
        path: an ONNX file.
        precision: OpenVINO's name of it; by default bf16 where the processor computes in it
            natively. A network in 8 bits computes the rest of it in f32.

    Raises:
        ValueError, RuntimeError: if the file is no network that can be run.
    """

    where = "OpenVINO on the CPU"

    def __init__(self, path: Path, precision: str | None) -> None:
        self._core = _openvino().Core()
        self._network = read_onnx(path)
        quantised = is_quantised(self._network.get_ops())
        # A convolution of one tile keeps about eight cores busy.
        self.parallel = max(1, (os.cpu_count() or 1) // 8)
        computed = "f32" if quantised else precision or ("bf16" if has_bf16() else "f32")
        self._options = {"NUM_STREAMS": str(self.parallel), "INFERENCE_PRECISION_HINT": computed}
        self.precision = "int8" if quantised else computed
        self._any_shape = computed != "bf16"
        self._alone = Lock()
        self._free: SimpleQueue[Any] | None = None
        self._compiled_for: tuple[int, ...] | None = None
        self._last: tuple[int, ...] = ()
        self._in_a_row = 0

    def metadata(self, key: str) -> str:
        """What the file says under a key; nothing if it says nothing."""
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
        with self._alone:
            self._in_a_row = self._in_a_row + 1 if shape == self._last else 1
            self._last = shape
            if self._free is None:
                self._free = self._compile(wanted)
            elif self._compiled_for is None:
                if wanted is not None and self._in_a_row == OFTEN:
                    self._free = self._compile(wanted)
            elif wanted != self._compiled_for:
                self._free = self._compile(None)
            return self._free

    def _compile(self, shape: tuple[int, ...] | None) -> SimpleQueue[Any]:
        # What was compiled before goes first: the two need not be in memory at once.
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
    """Whether a network in 8 bits is faster than one in floats: on x86 without bf16.

    Also without instructions for products of 8 bits (docs/benchmarks.md).
    """
    return platform.machine().lower() in ("x86_64", "amd64") and not has_bf16()


def is_quantised(operations: Iterable[Any]) -> bool:
    return any(op.get_type_name() == "FakeQuantize" for op in operations)


def read_onnx(path: Path) -> Any:
    """An ONNX file as OpenVINO's `Model`, not compiled.

    Raises:
        ValueError: if it is no such file.
    """
    _openvino()
    from openvino.frontend import GeneralFailure

    _, reader = _onnx_reader()
    try:
        return reader.convert(reader.load(str(path)))
    except GeneralFailure as error:
        raise ValueError(str(error)) from None


@functools.cache
def _openvino() -> Any:
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
