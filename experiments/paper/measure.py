"""The measurements behind the tables of docs/paper.md."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import engines, machine, side_by_side
from benchmarks.workers import in_turn

from experiments.paper.table import DEBLURGAN, DEFAULT, PAPER
from unblur.evaluate import Outputs, run
from unblur.inference.engine import find_model
from unblur.metrics import PROTOCOLS
from unblur.nets import build_generator, checkpoint
from unblur.nets.deblurgan import DeblurGANConfig
from unblur.torch_engine.counting import gmacs
from unblur.training import config as configs
from unblur.training.config import PhaseConfig, TrainConfig
from unblur.training.export import export

SIZES = {"256x256": (256, 256), "1280x720": (720, 1280)}


def qualities(pairs: Path, model: Path, images: Path) -> dict[str, Any]:
    """The results of `unblur evaluate` by protocol; draws images/paper-PROTOCOL.jpg."""
    found = {}
    for protocol in reversed(PROTOCOLS):
        outputs = Outputs(figure=images / f"paper-{protocol}.jpg")
        models = [str(model), "default"]
        result = run(pairs, models, protocol, costs=False, outputs=outputs)
        keys = ("protocol", "dataset", "count", "models", "conditions")
        found[protocol] = {key: result[key] for key in keys}
    return found


def costs(model: Path, rounds: int) -> dict[str, Any]:
    """Seconds and peak GB by runtime and size, parameters and GMACs of three networks.

    They are the paper's and the default model, and DeblurGAN's generator, untrained, since weights
    do not change the cost. They run in turns as the tool runs them, each in its own process.
    """
    found: dict[str, Any] = {"machine": machine.describe(), "load": machine.load(), "networks": {}}
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, str] = {}
        for name, source in _sources(model, Path(folder)).items():
            net, _, _ = checkpoint.load_generator(source)
            parameters = sum(p.numel() for p in net.parameters())
            found["networks"][name] = {"parameters": parameters, "gmacs": gmacs(net)}
            files[name] = str(source)
            if source.suffix != ".onnx":
                files[name] = str(Path(folder) / f"{len(files)}.onnx")
                export(source, Path(files[name]))
        for runtime in engines.floats():
            for size, shape in SIZES.items():
                versions = {name: (engines.make, runtime, file, *shape)
                            for name, file in files.items()}  # fmt: skip
                seconds, peaks = in_turn(versions, rounds)
                for figure in side_by_side(size, "s", seconds):
                    found["networks"][figure.name][f"{runtime}, {size}"] = {
                        "seconds": figure.value, "low": figure.low, "high": figure.high,
                        "ratio": figure.ratio, "peak_gb": peaks[figure.name][0],
                    }  # fmt: skip
    return found


def _sources(model: Path, folder: Path) -> dict[str, Path]:
    deblurgan = TrainConfig(phases=(PhaseConfig(steps=1),), network=DeblurGANConfig())
    untrained = folder / "deblurgan.safetensors"
    weights = build_generator(deblurgan.network).state_dict()
    checkpoint.save_weights(untrained, weights, configs.dumps(deblurgan), {})
    return {PAPER: model, DEBLURGAN: untrained, DEFAULT: find_model("default")}
