"""Quantises a network's convolutions to 8 bits, for processors without bf16."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from unblur.errors import Hint, QuantisationError
from unblur.inference.onnxruntime_gpu import import_onnxruntime


def quantise(model: onnx.ModelProto, examples: Iterable[np.ndarray]) -> onnx.ModelProto:
    """The same network with all convolutions but the first and the last in 8 bits.

    Weights and inputs are rounded to -127 to 127 times a scale of each output channel or input
    tensor; products are exact. Everything between the convolutions stays in float: rounding norms
    and gates too loses four times as much (docs/model-card.md). The result has pairs of
    QuantizeLinear and DequantizeLinear.

    Args:
        model: a network of one input, with float32 weights.
        examples: inputs (1, 3, h, w) for calibration; a moving average of their largest values sets
            the scales, so that a single outlier does not.

    Raises:
        QuantisationError: if ONNX Runtime is not installed.
    """
    try:
        import_onnxruntime()
        from onnxruntime import quantization
    except ImportError:
        hint = Hint("install", ("quantise",))
        raise QuantisationError("8 bits need ONNX Runtime", hint=hint) from None

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter(examples)

        def get_next(self) -> Any:
            batch = next(self.batches, None)
            return None if batch is None else {model.graph.input[0].name: batch}

    inner = [node.name for node in model.graph.node if node.op_type == "Conv"][1:-1]
    with tempfile.TemporaryDirectory() as folder, _quiet():
        whole, small = (Path(folder) / name for name in ("whole.onnx", "small.onnx"))
        onnx.save(model, whole)
        quantization.quantize_static(
            whole,
            small,
            Reader(),
            nodes_to_quantize=inner,
            per_channel=True,
            # Without an offset engines have one step less.
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options={
                # Outputs stay in float; the next convolution rounds its own input.
                "OpTypesToExcludeOutputQuantization": ["Conv"],
                "ActivationSymmetric": True,
                "QuantizeBias": False,
                "CalibMovingAverage": True,
                "CalibMovingAverageConstant": 0.05,
            },
        )
        return onnx.load(small)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences the logged advice, which is for other kinds of networks."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
