"""Counts an ONNX file's parameters, and its multiplications and additions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from unblur.inference.openvino_cpu import read_onnx

SIDE = 256
"""Height and width, in pixels, that multiplications are counted for."""


def count(path: Path, side: int = SIDE) -> tuple[int, float | None]:
    """Parameters of an ONNX file, and multiplications and additions (1e9) for `side` x `side`.

    Convolutions and matrix products are counted, as is usual; those of a network of another,
    fixed size in proportion to the pixels. None where the sizes inside it are not known.

    Raises:
        ValueError: if it is no ONNX file.
    """
    graph = read_onnx(path)
    parameters = sum(map(_parameters, graph.get_ordered_ops()))
    try:
        share = 1.0
        if graph.inputs[0].get_partial_shape()[2:].is_static:
            height, width = list(graph.inputs[0].get_partial_shape())[2:]
            share = side**2 / (height.get_length() * width.get_length())
        else:
            graph.reshape([1, 3, side, side])
        total = sum(map(_multiplications, graph.get_ordered_ops()))
    except RuntimeError:
        return parameters, None
    return parameters, total * share / 1e9


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
