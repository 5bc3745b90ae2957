"""Exports a checkpoint to ONNX, for any height and width, and checks it against PyTorch."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from unblur import __version__
from unblur.blur.config import BlurConfig
from unblur.errors import ExportError
from unblur.inference.contract import METADATA_KEY
from unblur.inference.engine import Engine
from unblur.inference.tiling import run_padded
from unblur.nets import GatedUNet, Generator, checkpoint
from unblur.nets.folded import folded
from unblur.torch_engine.own import contract_of
from unblur.training import config as configs
from unblur.training.config import DataConfig
from unblur.training.data import TrainingData
from unblur.training.graft import graft, read_blur_head
from unblur.training.onnx_graph import halve_weights, load_onnx, module_to_onnx, write_onnx
from unblur.training.quantise import quantise

SIZES = ((64, 64), (96, 160), (101, 75))
"""Heights and widths of the parity check; the odd one is padded as photos are."""
TOLERANCE = 2e-3
"""Largest difference allowed: a quarter of a grey level of 8 bit, in [-1, 1]."""
EXAMPLES = 47
"""Blurred crops that 8 bits are calibrated on."""
INT8_TOLERANCE = 2e-2
"""Largest root mean square that 8 bits may change a picture by: 2.5 grey levels."""


def export(path: Path, out: Path, photos: Path | None = None) -> dict[str, float]:
    """Writes a trained generator as ONNX: float16 weights, dynamic batch, height and width.

    A `GatedUNet` is folded first (see `nets.folded`). With photos, convolutions are quantised to 8
    bits (see `quantise`), calibrated on the photos, blurred. A head that measures blur stays (see
    `graft`). The metadata hold the contract (see `contract.Contract`), the config and the
    provenance; training can start from the file.

    Args:
        path: a checkpoint, or an exported file of one with float16 weights.
        out: the ONNX file, replaced atomically.
        photos: a folder of sharp photos that the network was trained on.

    Returns:
        The largest absolute difference from PyTorch at each of `SIZES`, in [-1, 1], both with the
        float16 weights in float32 arithmetic; with photos, the root mean square of what 8 bits
        change on blurred photos that calibration has not seen.

    Raises:
        CheckpointError: if it cannot be read.
        DataError, QuantisationError: if the photos cannot be used, or ONNX Runtime is missing.
        ExportError: if a difference is larger than `TOLERANCE` or `INT8_TOLERANCE`, or `out` cannot
            be written.
    """
    net, config, provenance = checkpoint.load_generator(path)
    head = read_blur_head(load_onnx(path)) if path.suffix == ".onnx" else None
    net = folded(net) if isinstance(net, GatedUNet) else net
    net.half().float()  # the weights as float16 keeps them
    model = to_onnx(net)
    if photos is None:
        halve_weights(model)
        rng = np.random.default_rng(0)
        images = {f"{w}x{h}": rng.uniform(-1, 1, (h, w, 3)).astype(np.float32) for h, w in SIZES}
        measure, tolerance = lambda x: np.abs(x).max(), TOLERANCE
    else:
        examples = _examples(photos, configs.loads(config).blur)
        model = quantise(model, itertools.islice(examples, EXAMPLES))
        images = {f"blurred {n}": x[0].transpose(1, 2, 0) for n, x in enumerate(examples, 1)}
        measure, tolerance = lambda x: np.sqrt(np.square(x).mean()), INT8_TOLERANCE
    if head is not None:
        model = graft(model, head)
    model.producer_name, model.producer_version = "unblur", __version__
    for key, value in (
        (METADATA_KEY, replace(contract_of(net), measures_blur=head is not None).to_json()),
        ("provenance", json.dumps(provenance)),
        ("config", config),
    ):
        model.metadata_props.add(key=key, value=value)
    data = model.SerializeToString()
    differences = _compare(net, data, images, measure)
    worst = max(differences.values())
    if not worst <= tolerance:
        raise ExportError(f"ONNX differs from PyTorch by {worst:.2g}; nothing written", file=path)
    write_onnx(out, data)
    return differences


def to_onnx(net: nn.Module) -> onnx.ModelProto:
    """A network of images (b, 3, h, w) as ONNX, its batch, height and width dynamic."""
    return module_to_onnx(net, torch.zeros(2, 3, 64, 80), "image", "restored")


def _examples(photos: Path, blur: BlurConfig) -> Iterator[np.ndarray]:
    """`EXAMPLES` blurred crops (1, 3, 384, 384) in [-1, 1], and three more."""
    folders = DataConfig(dirs=(str(photos),), min_scale=0.35, hold_out_every=0)
    data = TrainingData(folders, blur, 0, torch.device("cpu"))
    for step in range(EXAMPLES + 3):
        blurred, _ = data.batch(step, 384, 1)
        yield np.ascontiguousarray(blurred.numpy())


def _compare(
    net: Generator,
    data: bytes,
    images: Mapping[str, np.ndarray],
    measure: Callable[[np.ndarray], np.floating],
) -> dict[str, float]:
    """The measure of what ONNX computes minus what PyTorch computes, for each image."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        file.write_bytes(data)
        engine = Engine(file, "cpu", "f32")

    def run_torch(batch: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return net(torch.from_numpy(batch)).numpy()

    differences = {}
    for name, image in images.items():
        ours, wanted = (run_padded(run, image, net.multiple) for run in (engine, run_torch))
        differences[name] = float(measure(ours - wanted))
    return differences
