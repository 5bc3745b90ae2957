"""Trains the head that measures blur, on stored features of a network that stays as it is."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from unblur.blur import Shot, draw, shoot
from unblur.blur.config import BlurConfig
from unblur.blur.truth import CELL
from unblur.errors import ExportError
from unblur.nets import GatedUNet, checkpoint
from unblur.nets.blur_head import BlurHead, to_log
from unblur.nets.folded import folded
from unblur.torch_engine.network import has_bf16
from unblur.training.config import DataConfig
from unblur.training.data import TrainingData

SAMPLES = 5500
"""Crops; a crop's features take 0.6 MB of memory."""
STEPS = 6000
BATCH = 16
"""Crops in a step, and in a call of the network."""
RATE = 2e-3
CROP = 320
"""Side of the crops, in pixels."""
SOFT_SHARE = 0.12
"""Crops of enlarged photos, as many cameras make them: soft, but not blurred."""

CLEAN = {"sweep_share": 0.15, "noise_share": 0.3, "jpeg_share": 0.25}
NOISY = {"sweep_share": 0.15}
KINDS = (
    (0.20, BlurConfig(sharp_share=1, max_length=4, **CLEAN)),
    (0.28, BlurConfig(sharp_share=0, max_length=5, defocus_share=0, **CLEAN)),
    (0.16, BlurConfig(sharp_share=0, max_length=14, defocus_share=0.06, **NOISY)),
    (0.19, BlurConfig(sharp_share=0, max_length=44, defocus_share=0.04, **NOISY)),
    (0.07, BlurConfig(sharp_share=0, min_length=25, max_length=110, defocus_share=0, **NOISY)),
    # Strong noise, some of it on photos at rest: standard deviations of up to 30 levels.
    (0.12, BlurConfig(
        sharp_share=0.35, max_length=30, defocus_share=0.03, sweep_share=0.15, noise_share=1,
        max_read_noise=0.12, max_shot_noise=0.01,
    )),
    # Out of focus and at rest.
    (0.10, BlurConfig(
        sharp_share=0, min_length=0, max_length=0.01, layer_share=0, defocus_share=1,
        max_defocus=9, part_share=0.5, **NOISY,
    )),
)  # fmt: skip
"""Kinds of blur and their shares: little of it more often than in a network's own training."""

VISIBLE = 2.0
"""Levels of 255 that a texture's fine part needs, as a root mean square, to tell blur by."""
PURE = 0.85
"""Cells in which less moves as one are left out: the edges of objects."""
NOTICED = (0.4 / 255) ** 2
"""Squared errors well below it are as good as none: rounding to 8 bits."""


@dataclass
class Examples:
    """Crops for training, each row of each tensor."""

    features: Float[Tensor, "n c h w"]
    truth: Float[Tensor, "n 6 i j"]
    """Length, spread (3), radius, purity; see `blur.truth.TrueBlur`."""
    gains: Float[Tensor, "n 3 i j"]
    """Means over each cell of e^2, e d and d^2, with e = sharp - blurred and d the network's
    change: a share w of it leaves the squared error e^2 - 2 w e d + w^2 d^2."""
    texture: Float[Tensor, "n i j"]
    """Root mean square of the sharp image's fine part, in levels of 255."""
    taught: Float[Tensor, " n"]
    """Whether the weight is learned from it. A part out of focus may be meant to be so."""


def train_blur_head(
    path: Path,
    photos: Path,
    samples: int = SAMPLES,
    steps: int = STEPS,
    seed: int = 0,
    advance: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> BlurHead:
    """Trains a head for a network, on sharp photos blurred anew.

    Args:
        path: a checkpoint or an exported file of a `GatedUNet`.
        photos: a folder of sharp photos; every 13th by name is held out.
        samples: crops to store the features of.
        steps: of the optimiser.
        advance: called with "crops" or "steps", the number done and the total.

    Raises:
        CheckpointError, DataError: if the network or the photos cannot be used.
        ExportError: if the network is of another kind.
    """
    net, _, _ = checkpoint.load_generator(path)
    if not isinstance(net, GatedUNet):
        raise ExportError("blur is measured on the features of a gated U-Net alone", file=path)
    folders = DataConfig(dirs=(str(photos),), min_scale=0.35)
    data = TrainingData(folders, BlurConfig(), seed, torch.device("cpu"))
    examples = _examples(net, data, samples, lambda done: advance("crops", done, samples))
    return _fit(examples, steps, seed, lambda done: advance("steps", done, steps))


def _examples(
    net: GatedUNet, data: TrainingData, samples: int, advance: Callable[[int], None]
) -> Examples:
    """The features and the truth of crops; the same for a seed, however many threads work."""
    run = folded(net).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    shares = np.cumsum([share for share, _ in KINDS])
    threads, before = os.cpu_count() or 1, torch.get_num_threads()
    torch.set_num_threads(1)

    def make(index: int) -> list[Tensor]:
        rng = np.random.default_rng([data.seed, index])
        blur = KINDS[int(np.searchsorted(shares / shares[-1], rng.random()))][1]
        with torch.inference_mode():
            return _measured(run, _shot(data, blur, index, rng))

    try:
        parts = []
        with ThreadPoolExecutor(threads) as pool:
            for part in pool.map(make, range(-(-samples // BATCH))):
                parts.append(part)
                advance(min(samples, len(parts) * BATCH))
    finally:
        torch.set_num_threads(before)
    return Examples(*(torch.cat(values).clone() for values in zip(*parts, strict=True)))


def _shot(data: TrainingData, blur: BlurConfig, index: int, rng: np.random.Generator) -> Shot:
    """A batch of blurred crops; some are enlarged before they are blurred."""
    data = copy.copy(data)  # which shares the decoded photos
    data.blur = blur
    side, enlarge = CROP + 2 * blur.margin, 1.0
    if rng.random() < SOFT_SHARE:
        enlarge = rng.uniform(1.2, 2.8)
    crops = data.draw(index, int(side / enlarge) + 2 - 2 * blur.margin, BATCH)
    photos = torch.stack(crops.photos)
    if enlarge > 1:
        larger = F.interpolate(photos.float(), scale_factor=enlarge, mode="bicubic")
        photos = larger.clamp(0, 255).round().to(torch.uint8)
    photos = photos[..., :side, :side]
    generator = torch.Generator().manual_seed(crops.seed)
    drawn = draw(photos.shape, crops.centres, crops.focal * enlarge, blur, generator)
    return shoot(photos, drawn, blur.margin, generator, 0.6)


def _measured(net: GatedUNet, shot: Shot) -> list[Tensor]:
    """The fields of `Examples`."""
    blurred = shot.blurred.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16(blurred.device)):
        restored, features = net.with_features(blurred * 2 - 1)
    change = restored.float().clamp(-1, 1) / 2 + 0.5 - blurred
    error, true = shot.sharp - blurred, shot.truth()
    gains = [(a * b).mean(1) for a, b in ((error, error), (error, change), (change, change))]
    gains = F.avg_pool2d(torch.stack(gains, 1), CELL)
    luma = shot.sharp.mean(1, keepdim=True) * 255
    fine = luma - F.avg_pool2d(F.pad(luma, (2, 2, 2, 2), mode="replicate"), 5, 1)
    texture = F.avg_pool2d(F.avg_pool2d(fine.square(), CELL), 3, 1, 1, count_include_pad=False)
    truth = [true.length[:, None], true.spread, true.radius[:, None], true.pure[:, None]]
    taught = (shot.drawn.focused == 0).float()
    return [features.half(), torch.cat(truth, 1), gains, texture.sqrt()[:, 0], taught]


def _fit(examples: Examples, steps: int, seed: int, advance: Callable[[int], None]) -> BlurHead:
    torch.manual_seed(seed)
    head = BlurHead(examples.features.shape[1]).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimizer = torch.optim.AdamW(head.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1, (step + 1) / 200) * (0.5 + 0.5 * np.cos(np.pi * step / steps)),
    )
    half = has_bf16(torch.device("cpu"))
    for step in range(steps):
        chosen = torch.randint(len(examples.features), (BATCH,))
        features = examples.features[chosen].float().contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            raw = head.raw(features)
        parts = (examples.truth, examples.gains, examples.texture, examples.taught)
        loss = head_loss(raw.float(), *(part[chosen] for part in parts))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        advance(step + 1)
    return head.eval()


def head_loss(
    raw: Float[Tensor, "b 8 i j"],
    truth: Float[Tensor, "b 6 i j"],
    gains: Float[Tensor, "b 3 i j"],
    texture: Float[Tensor, "b i j"],
    taught: Float[Tensor, " b"],
) -> Float[Tensor, ""]:
    """The loss of the numbers that `BlurHead.raw` returns; see `Examples` for the other arguments.

    Length and radius have a Laplace distribution each, whose width is estimated too. The direction
    is that of the positions' spread, as a vector of twice its angle. Cells of sharp photos without
    texture, which may be blurred by the lens, teach neither. The confidence is the probability that
    both are within a factor of two in a cell with texture.
    """
    length, length_width, *direction, radius, radius_width, confidence, weight = raw.unbind(1)
    true_length, xx, yy, xy, true_radius, pure = truth.unbind(1)
    textured = (texture > VISIBLE).float()
    counted = pure * (pure > PURE)
    blurred = ((true_length > 0.7) | (true_radius > 0)).float()
    known = counted * torch.maximum(blurred, textured)
    lengths = _laplace(length, length_width.clamp(-2, 3), to_log(true_length))
    radii = _laplace(radius, radius_width.clamp(-1.5, 3), to_log(true_radius))
    mean = (xx + yy) / 2 + 1e-6
    turned = (direction[0] - (xx - yy) / 2 / mean).square() + (direction[1] - xy / mean).square()
    moved = counted * (true_length > 1.5) * (0.2 + textured)
    right = textured * _close(length, true_length) * _close(radius, true_radius)
    sure = F.binary_cross_entropy_with_logits(confidence, right, reduction="none")
    return (
        _mean(lengths, known)
        + _mean(radii, known)
        + 2 * _mean(turned, moved)
        + 0.3 * _mean(sure, counted + 1e-3)
        + _mean(_weight_loss(weight.sigmoid(), gains), taught)
    )


def _weight_loss(
    weight: Float[Tensor, "b i j"], gains: Float[Tensor, "b 3 i j"]
) -> Float[Tensor, " b"]:
    """The logarithm of what is left of each image's squared error, harm counting several times."""
    before, gained, change = gains.unbind(1)
    after = (before - 2 * weight * gained + weight**2 * change).mean((1, 2))
    ratio = (after + NOTICED).log() - (before.mean((1, 2)) + NOTICED).log()
    harm = F.relu(ratio)
    return ratio + 8 * harm + 60 * harm**2


def _laplace(value: Tensor, log_width: Tensor, truth: Tensor) -> Tensor:
    return (value - truth).abs() * (-log_width).exp() + log_width


def _close(logarithm: Tensor, truth: Tensor) -> Tensor:
    return ((logarithm.detach() - to_log(truth)).abs() < 1).float()


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / (weights.sum() + 1e-6)
