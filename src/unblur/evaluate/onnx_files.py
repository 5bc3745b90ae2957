"""ONNX files as networks: unblur's, and those of others, which do not describe their input."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from unblur.errors import ModelError
from unblur.inference.contract import UNTILED, Contract
from unblur.inference.engine import Engine
from unblur.inference.openvino_cpu import read_onnx

MULTIPLE = 64
"""Sides are padded to multiples of it where a file does not say what it needs."""


@dataclass(frozen=True)
class OnnxNetwork:
    """An engine, with the conversion between unblur's images and the network's."""

    path: Path
    engine: Engine
    run: Callable[[np.ndarray], np.ndarray]
    contract: Contract
    digest: str
    parallel: int
    precision: str = "f32"
    description: str = "OpenVINO on the CPU in f32"
    largest: int = UNTILED
    """Largest side of a tile, in pixels."""

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        return self.run(batch)

    def with_blur(self, batch: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        return self.engine.with_blur(batch)

    def blur(self, batch: np.ndarray, /) -> np.ndarray:
        return self.engine.blur(batch)


def load(path: Path) -> tuple[OnnxNetwork, bool, str]:
    """An ONNX network in OpenVINO in float32, whether it is gated, and how it runs.

    A file that unblur exported says what it needs. Of any other, the size is read, if it is fixed;
    whether images are in [0, 1] or [-1, 1] is tried with a smooth picture, which a network that
    restores returns nearly unchanged.

    Raises:
        ModelError: if it is no network from one RGB image to another of the same size.
    """
    engine = Engine(path, "cpu", "f32")
    about = f"OpenVINO {version('openvino')}"
    if engine.has_contract:
        facts = engine.contract, engine.digest, engine.parallel, engine.precision
        return OnnxNetwork(path, engine, engine, *facts), engine.contract.change_mask, about
    contract, largest = dataclasses.replace(engine.contract, multiple=MULTIPLE), UNTILED
    run: Callable[[np.ndarray], np.ndarray] = engine
    if size := _input_size(path):
        largest = min(size)
        contract = Contract(multiple=1, tile=largest, overlap=largest // 8)
        run = functools.partial(_at_size, engine, size)
    try:
        signed = _takes_signed(run, min(contract.tile, 128))
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ModelError(f"cannot restore an RGB image ({reason})", file=path) from None

    def unsigned(batch: np.ndarray) -> np.ndarray:
        return run((batch + 1) / 2) * 2 - 1

    facts = contract, engine.digest, engine.parallel
    network = OnnxNetwork(path, engine, run if signed else unsigned, *facts, largest=largest)
    return network, False, f"{about}, images in {'-1..1' if signed else '0..1'} (found by trying)"


def count(network: Any, side: int) -> tuple[int, float | None]:
    """Parameters, and multiplications and additions (1e9) for `side` x `side` pixels.

    Convolutions and matrix products are counted, as is usual; None for a network of a fixed
    other size.
    """
    graph = read_onnx(network.path)
    parameters = sum(map(_parameters, graph.get_ordered_ops()))
    try:
        graph.reshape([1, 3, side, side])
    except RuntimeError:
        return parameters, None
    return parameters, sum(map(_multiplications, graph.get_ordered_ops())) / 1e9


def _parameters(node: Any) -> int:
    """Without scalars, which a file does not tell from constants, and offsets of 8-bit kernels."""
    if node.get_type_name() != "Constant":
        return 0
    kind, shape = node.get_output_element_type(0), node.get_output_shape(0)
    kernel = kind.get_type_name() == "i8" and len(shape) > 1
    return math.prod(shape) if kernel or (kind.is_real() and len(shape) > 0) else 0


def _multiplications(node: Any) -> int:
    kind = node.get_type_name()
    if kind == "MatMul":
        rows = node.input(0).get_shape()
        transposed = node.get_attributes()["transpose_a"]
        return math.prod(node.get_output_shape(0)) * rows[-2 if transposed else -1]
    if not kind.endswith(("Convolution", "ConvolutionBackpropData")):
        return 0
    # Weights: (out, in, h, w); transposed (in, out, h, w); with groups, their number comes first.
    weights = node.input(1).get_shape()
    transposed = kind.endswith("BackpropData")
    image = node.input(0).get_shape() if transposed else node.get_output_shape(0)
    return math.prod(image) * math.prod(weights[-3:])


def _input_size(path: Path) -> tuple[int, int] | None:
    """Height and width of the network's input; None if it takes any."""
    shapes = [node.get_partial_shape() for node in read_onnx(path).inputs]
    shape = shapes[0]
    fits = len(shapes) == 1 and shape.rank.is_static and len(shape) == 4
    if not fits or not (shape[1].is_dynamic or shape[1].get_length() == 3):
        taken = ", ".join(map(str, shapes))
        reason = f"takes {taken}; one input (1, 3, height, width) was expected"
        raise ModelError(reason, file=path)
    if shape[2].is_dynamic or shape[3].is_dynamic:
        return None
    return shape[2].get_length(), shape[3].get_length()


def _at_size(engine: Engine, size: tuple[int, int], batch: np.ndarray) -> np.ndarray:
    """Pads an image that is no larger than `size` to it, and cuts the result."""
    height, width = batch.shape[2:]
    pads = [(0, 0), (0, 0), (0, size[0] - height), (0, size[1] - width)]
    return engine(np.pad(batch, pads, mode="reflect"))[:, :, :height, :width]


def _takes_signed(run: Callable[[np.ndarray], np.ndarray], side: int) -> bool:
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    picture = np.stack([0.15 + 0.7 * x, 0.15 + 0.7 * y, 0.5 + 0.3 * np.sin(3 * x - 2 * y)], axis=2)

    def error(low: float) -> float:
        scaled = (low + (1 - low) * picture).astype(np.float32).transpose(2, 0, 1)[None]
        out = run(np.ascontiguousarray(scaled))
        if out.shape != scaled.shape:
            raise ValueError(f"it gives {out.shape} for {scaled.shape}; the same was expected")
        return float(np.abs(out - scaled).mean()) / (1 - low)

    # [-1, 1], as `unblur deblur` takes such a file, unless [0, 1] is clearly right.
    return error(-1.0) <= 1.25 * error(0.0) + 1e-4
