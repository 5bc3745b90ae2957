"""Shapes of the default network: cost, speed, and PSNR after equal training: needs --photos.

Every variant starts from the same seed and sees the same batches: crops of 96x96 of the photos with
the preset `mild` without noise and JPEG, so that what is compared is deblurring alone. The gain is
that on crops of 256x256 of photos that training holds out. It is a short training from nothing: it
tells which shape learns fast, not how far each would get in days.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks import BenchmarkError, Figure, Setup, engines, figure, side_by_side
from benchmarks.timing import interleave, timed
from unblur.batches import TrainingData
from unblur.config import PRESETS, DataConfig, LossConfig
from unblur.engine import Engine, Precision
from unblur.evaluate.checkpoints import gmacs
from unblur.export import to_onnx
from unblur.losses import HybridLoss
from unblur.nets import CrosshatchAttention, LiteGenerator
from unblur.nets.lite import ResidualBlock

CROP, BATCH, LR = 96, 8, 1e-3
PRECISIONS: tuple[Precision, ...] = ("f32", "bf16")
LOSS = LossConfig(0, 0, 1, 0.05, 0.2, pixel_kind="charbonnier")


class GatedBlock(nn.Module):
    """A dense convolution to twice the channels, half of which gate the other half."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.mix = nn.Conv2d(channels, channels, 1)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="linear")
        nn.init.kaiming_normal_(self.mix.weight, nonlinearity="linear")
        with torch.no_grad():
            self.mix.weight.mul_(0.2)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.conv(x).chunk(2, 1)
        return x + self.mix(value * gate.sigmoid())


class DepthwiseBlock(nn.Module):
    """NAFNet's block (Chen et al. 2022) without its channel attention: whole-image statistics."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        c = channels
        self.norms = nn.ModuleList(nn.LayerNorm(c) for _ in range(2))
        self.spread = nn.Sequential(
            nn.Conv2d(c, 2 * c, 1), nn.Conv2d(2 * c, 2 * c, 3, padding=1, groups=2 * c)
        )
        self.mix = nn.Conv2d(c, c, 1)
        self.widen = nn.Conv2d(c, 2 * c, 1)
        self.narrow = nn.Conv2d(c, c, 1)
        self.scales = nn.ParameterList(torch.full((1, c, 1, 1), 0.2) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.spread(self._norm(0, x)).chunk(2, 1)
        x = x + self.mix(a * b) * self.scales[0]
        a, b = self.widen(self._norm(1, x)).chunk(2, 1)
        return x + self.narrow(a * b) * self.scales[1]

    def _norm(self, index: int, x: Tensor) -> Tensor:
        return self.norms[index](x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def with_blocks(net: nn.Module, kind: Callable[[int], nn.Module]) -> nn.Module:
    """The network with its residual blocks replaced."""
    for name, child in net.named_children():
        if isinstance(child, ResidualBlock):
            setattr(net, name, kind(child.conv1.in_channels))
        else:
            with_blocks(child, kind)
    return net


def mixed(blocks: int) -> nn.Module:
    """Dense blocks at the finer scales, depthwise ones at 1/8."""
    net = LiteGenerator(blocks=(1, 1, blocks))
    with_blocks(net.trunk, DepthwiseBlock)
    return net


def attention_at_two_scales() -> nn.Module:
    net = LiteGenerator()
    net.decoder1.append(CrosshatchAttention(64, reach=40))
    return net


def no_attention() -> nn.Module:
    net = LiteGenerator()
    for index, layer in enumerate(net.trunk):
        if isinstance(layer, CrosshatchAttention):
            net.trunk[index] = nn.Identity()
    return net


VARIANTS: dict[str, Callable[[], nn.Module]] = {
    "dense (the default)": LiteGenerator,
    "dense, narrow": lambda: LiteGenerator((24, 48, 112)),
    "dense, wide at 1/8": lambda: LiteGenerator((32, 64, 224)),
    "dense, deep at 1/8": lambda: LiteGenerator(blocks=(1, 1, 12)),
    "dense, no attention": no_attention,
    "dense, attention at 1/8 and 1/4": attention_at_two_scales,
    "gated dense": lambda: with_blocks(LiteGenerator(), GatedBlock),
    "mixed: dense, depthwise at 1/8": lambda: mixed(16),
    "gated depthwise": lambda: with_blocks(LiteGenerator(blocks=(1, 2, 20)), DepthwiseBlock),
}


def run(setup: Setup) -> Iterator[Figure]:
    """Trained one after the other; then their frames take turns."""
    if not setup.photos:
        raise BenchmarkError("needs --photos (sharp ones)")
    names = list(VARIANTS)[: 2 if setup.quick else None]
    steps, shape = (2, (64, 64)) if setup.quick else (500, (720, 1280))
    blur = replace(PRESETS["mild"], noise_share=0.0, jpeg_share=0.0, sharp_share=0.0)
    held_out = 2 if setup.quick else 24
    folders = DataConfig(dirs=(str(setup.photos),), min_scale=0.5, val_images=held_out)
    data = TrainingData(folders, blur, 0, torch.device("cpu"))
    batches = [tuple(map(to_bytes, data.batch(s, CROP, BATCH))) for s in range(steps)]
    held = [(i.blurred[None, :, :256, :256], i.sharp[None, :, :256, :256])
            for i in data.validation()]  # fmt: skip
    held = [pair for pair in held if not torch.equal(*pair)]
    work, size, times, gains = {}, {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            torch.manual_seed(0)
            net = VARIANTS[name]()
            work[name] = [gmacs(net)]
            size[name] = [sum(p.numel() for p in net.parameters()) / 1e6]
            times[name] = train(net, batches)
            gains[name] = [psnr(restore(net, x), y) - psnr(from_bytes(x), y) for x, y in held]
            file_of(folder, name).write_bytes(to_onnx(net.eval()).SerializeToString())
        yield from side_by_side("operations at 256x256", "GMAC", work)
        yield from side_by_side("parameters", "M", size)
        for name, own in gains.items():
            yield figure(f"mean gain after {steps} steps", name, "dB", statistics.mean(own))
        yield from side_by_side("training step", "s", times)
        frame = np.zeros((1, 3, *shape), np.float32)
        for precision in PRECISIONS if engines.has_bf16() else PRECISIONS[:1]:
            tasks = {
                name: timed(partial(Engine(file_of(folder, name), "cpu", precision), frame))
                for name in names
            }
            found = interleave(tasks, 1 if setup.quick else 5)
            yield from side_by_side(f"{shape[1]}x{shape[0]}, OpenVINO {precision}", "s", found)


def file_of(folder: str, name: str) -> Path:
    return Path(folder) / f"{list(VARIANTS).index(name)}.onnx"


def train(net: nn.Module, batches: list[Any]) -> list[float]:
    """Constant rate, then half of the steps linearly to nothing. Seconds of each step."""
    net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimizer = torch.optim.AdamW(net.parameters(), LR, betas=(0.9, 0.9), weight_decay=1e-4)
    loss_of, times = HybridLoss(LOSS), []
    for step, batch in enumerate(batches):
        began = time.perf_counter()
        blurred, sharp = map(from_bytes, batch)
        done = step / len(batches)
        for group in optimizer.param_groups:
            group["lr"] = LR * min(1, (step + 1) / 50, 2 * (1 - done))
        optimizer.zero_grad()
        loss_of(net(blurred), sharp)["total"].backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        times.append(time.perf_counter() - began)
    return times


@torch.no_grad()
def restore(net: nn.Module, image: Tensor) -> Tensor:
    return net.eval()(from_bytes(image))


def psnr(image: Tensor, sharp: Tensor) -> float:
    return float(-10 * torch.log10(F.mse_loss(image, from_bytes(sharp)) / 4))


def to_bytes(image: Tensor) -> Tensor:
    return ((image + 1) * 127.5).round().to(torch.uint8)


def from_bytes(image: Tensor) -> Tensor:
    return (image.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
