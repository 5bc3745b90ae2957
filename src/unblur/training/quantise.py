"""A network's convolutions in 8 bits, for processors that compute in nothing shorter than f32."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from unblur.errors import QuantisationError


def quantise(model: onnx.ModelProto, examples: Iterable[np.ndarray]) -> onnx.ModelProto:
    """The same network with its convolutions in 8 bits, but for the first and the last.

    Weights and what goes into a convolution are rounded to -127 to 127 times a scale, of each
    output channel or of each tensor; products are exact. What stands between the convolutions
    stays in float: where norms and gates are rounded too, four times as much is lost
    (docs/model-card.md). The result is ONNX of pairs of QuantizeLinear and DequantizeLinear.

    Args:
        model: a network of one input, with float32 weights.
        examples: inputs, (1, 3, h, w); the largest values in them set the scales, as a moving
            average over the examples, so that a single outlier does not.

    Raises:
        QuantisationError: if ONNX Runtime, which does it, is not installed.
    """
    try:
        from onnxruntime import quantization
    except ImportError:
        raise QuantisationError(
            "8 bits need ONNX Runtime: pip install 'unblur[quantise]'"
        ) from None

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
            # Symmetric: without an offset to take away, engines have one step less.
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options={
                # What comes out stays whole; what goes into the next one is rounded there.
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
    """Without the hints that it logs, which are for other networks than these."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
