"""Measure a trained run of the ablation: its cost, and its scores on images not trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec.structs import replace
from torch import nn

from unblur import metrics
from unblur.datasets import evenly, find_pairs, read_rgb
from unblur.nets import checkpoint
from unblur.torch_engine.counting import gmacs
from unblur.training import config as configs
from unblur.training.config import TrainConfig
from unblur.training.data import TrainingData

SIDE = 512
"""Largest side, in pixels, of the centre crops that are measured."""
IMAGES = 24
"""Largest number of images of a set; a larger set is sampled evenly."""
HELD_OUT = "held out"
"""Name of the set that is held out of the training data."""


def measure(folder: Path, settings: TrainConfig, sets: Sequence[Path]) -> dict[str, Any]:
    """What `table.markdown` takes of a run, but for the row's name.

    Args:
        folder: of the finished run.
        settings: the run's config.
        sets: folders of pairs, measured besides the images that training holds out.
    """
    net, _, provenance = checkpoint.load_generator(folder / "last.safetensors")
    lines = (folder / "log.jsonl").read_text().splitlines()
    # By step, since a run that was killed has logged some steps twice.
    log = [*{line["step"]: line for line in map(json.loads, lines)}.values()]
    scores = [line["adversarial"] for line in log[-10:] if "adversarial" in line]
    return {
        "seed": settings.seed,
        "parameters": sum(p.numel() for p in net.parameters()),
        "gmac": gmacs(net),
        "seconds": log[-1]["seconds"],
        "hardware": provenance["hardware"],
        "torch": torch.__version__,
        "adversarial": sum(scores) / len(scores) if scores else None,
        "config": configs.dumps(settings),
        "sets": {name: [score(net, *images) for images in found]
                 for name, found in images_of(settings, sets)},
    }  # fmt: skip


def images_of(
    settings: TrainConfig, sets: Sequence[Path]
) -> Iterator[tuple[str, Iterator[tuple[str, np.ndarray, np.ndarray]]]]:
    """Each set's name and its images: (name, blurred, sharp), uint8 centre crops."""
    data = replace(settings.data, val_images=IMAGES)
    held = TrainingData(data, settings.blur, 0, torch.device("cpu")).validation()
    arrays = ((i.name, *(x.permute(1, 2, 0).numpy() for x in (i.blurred, i.sharp))) for i in held)
    yield HELD_OUT, ((name, _centre(b), _centre(s)) for name, b, s in arrays)
    for folder in sets:
        pairs = evenly(find_pairs(folder, "test"), IMAGES)
        yield (
            set_name(folder),
            ((p.name, _centre(read_rgb(p.blur)), _centre(read_rgb(p.sharp))) for p in pairs),
        )


def set_name(folder: Path) -> str:
    """The folder's name, with its parent's before `train` and `test`."""
    folder = folder.resolve()
    half = folder.name in ("train", "test")
    return f"{folder.parent.name}/{folder.name}" if half else folder.name


def score(net: nn.Module, name: str, blurred: np.ndarray, sharp: np.ndarray) -> dict[str, Any]:
    """PSNR in dB and SSIM of a blurred image and of the network's output for it."""
    image = torch.from_numpy(blurred.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        out = ((net(image)[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
    found: dict[str, Any] = {"name": name}
    for key, picture in (("", out), ("blurred_", blurred)):
        found[f"{key}psnr"] = min(metrics.psnr(picture, sharp), metrics.EQUAL)
        found[f"{key}ssim"] = metrics.ssim(picture, sharp)
    return found


def _centre(image: np.ndarray) -> np.ndarray:
    """The centre of an (h, w, 3) array: SIDE pixels, or a multiple of 8 of a smaller one."""
    sides = [min(SIDE, n // 8 * 8) for n in image.shape[:2]]
    y, x = ((n - side) // 2 for n, side in zip(image.shape[:2], sides, strict=True))
    return image[y : y + sides[0], x : x + sides[1]]
