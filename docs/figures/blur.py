"""Draw the figures of docs/blur.md.

    python -m docs.figures.blur [PHOTOS PAIRS...]

The comparison with real blur is drawn if folders of sharp photos and of real pairs are given. The
stages are shown on a photograph that ships with scikit-image (Eileen Collins, NASA, public
domain).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pyvips
import torch
from experiments import IMAGES
from matplotlib.figure import Figure
from msgspec.structs import replace
from skimage import data
from torch import Tensor
from torch.nn import functional as F

from unblur.blur import synthesize
from unblur.blur.config import PRESETS, BlurConfig
from unblur.blur.scene import Motion, expose
from unblur.blur.trajectory import sample_trajectories
from unblur.datasets import find_data, find_pairs, read_rgb
from unblur.losses import sobel
from unblur.metrics import psnr

MARGIN = 44
NOTHING = BlurConfig(
    sharp_share=0, max_length=0, min_length=0, sweep_share=0, shake_share=0, strobe_share=0,
    varying_share=0, layer_share=0, soft_share=0, defocus_share=0, highlight_share=0,
    signal_share=0, bayer_share=0, noise_share=0, jpeg_share=0,
)  # fmt: skip
MOVED = replace(NOTHING, max_length=24, min_length=24)
VARYING = replace(
    MOVED, varying_share=1, roll_share=0, zoom_share=0, perspective_share=0, depth_share=0
)
STAGES = {
    "the photo": NOTHING,
    "shift along a smooth path": MOVED,
    "with roll and zoom": replace(VARYING, roll_share=1, zoom_share=1),
    "with depth": replace(VARYING, depth_share=1),
    "in bursts": replace(MOVED, strobe_share=1),
    "shake": replace(MOVED, shake_share=1),
    "objects of their own motion": replace(MOVED, layer_share=1),
    "averaged as encoded values": replace(MOVED, signal_share=1),
    "saturated lights": replace(MOVED, highlight_share=1),
    "out of focus": replace(NOTHING, defocus_share=1),
    "noise (of preset severe)": replace(
        NOTHING, noise_share=1, max_read_noise=0.01, max_shot_noise=0.005
    ),
    "JPEG": replace(NOTHING, jpeg_share=1),
}


def main(photos: Path | None = None, *pairs: Path) -> None:
    draw_kernels()
    draw_stages()
    if photos and pairs:
        draw_realism(photos, pairs)
    else:
        print("blur-realism.png: left as it is, needs folders of sharp photos and of real pairs")


def draw_kernels(count: int = 12, length: int = 40, side: int = 61) -> None:
    """Draw images of a point: smooth paths in the first row, then squiggly ones, then shakes."""
    plain = BlurConfig(max_length=length, min_length=length, varying_share=0, sweep_share=0)
    rows = []
    for changes in (
        {"squiggly_share": 0.0, "shake_share": 0.0},
        {"squiggly_share": 1.0, "shake_share": 0.0},
        {"shake_share": 1.0},
    ):
        focal, generator = torch.ones(count), torch.Generator().manual_seed(1)
        nowhere = torch.zeros(count, 2)
        poses = sample_trajectories(replace(plain, **changes), nowhere, focal, 1.0, generator)
        point = torch.zeros(count, 3, side + 2 * length, side + 2 * length)
        point[..., side // 2 + length, side // 2 + length] = 1
        motion = Motion(poses[:, None], nowhere, focal, torch.ones(count, 2))
        kernels = expose(point, motion, length, density=4.0)[:, 0]
        rows.append(torch.cat(list((kernels / kernels.amax((1, 2), keepdim=True)) ** 0.5), dim=1))
    sheet = torch.cat(rows)
    pixels = np.repeat(sheet[..., None].numpy() * 255, 3, 2).clip(0, 255).astype(np.uint8)
    image: Any = pyvips.Image.new_from_array(pixels)
    image.write_to_file(str(IMAGES / "blur-kernels.png"))


def draw_stages() -> None:
    """Draw the photograph after each stage alone."""
    image = torch.from_numpy(np.ascontiguousarray(data.astronaut())).permute(2, 0, 1)[None]
    figure = Figure(figsize=(10, 3.9), layout="constrained")
    axes = figure.subplots(2, 6)
    for axis, (title, config) in zip(axes.flat, STAGES.items(), strict=True):
        generator, focal = torch.Generator().manual_seed(11), torch.tensor([700.0])
        blurred, _ = synthesize(image, torch.zeros(1, 2), focal, MARGIN, config, generator)
        shown = blurred[0, :, 60:300, 120:360].permute(1, 2, 0).numpy()
        axis.imshow(shown, interpolation="nearest")
        axis.set_title(title, fontsize=8)
        axis.axis("off")
    figure.savefig(IMAGES / "blur-stages.jpg", dpi=150, pil_kwargs={"quality": 90})


def draw_realism(photos: Path, folders: Sequence[Path], crops: int = 960, side: int = 256) -> None:
    """Draw and print PSNR and lost gradient energy of blurred crops, synthetic and real.

    Args:
        photos: folder of sharp photos to blur.
        folders: of real pairs.
    """
    measured = {"preset real": [], **{name_of(folder): [] for folder in folders}}
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    paths, blur = find_data(photos)[1], PRESETS["real"]
    for _ in range(crops // 16):
        cut = [crop(rng, paths, side + 2 * blur.margin) for _ in range(16)]
        centres = torch.from_numpy(rng.uniform((-600, -350), (600, 350), (16, 2))).float()
        pairs = synthesize(
            torch.stack(cut), centres, torch.full((16,), 1400.0), blur.margin, blur, generator
        )
        measured["preset real"] += [measure(a, b) for a, b in zip(*pairs, strict=True)]
    for folder in folders:
        for pair in find_pairs(folder, "train"):
            blurred, sharp = read_rgb(pair.blur), read_rgb(pair.sharp)
            for _ in range(8):
                y, x = (int(rng.integers(n - side)) for n in sharp.shape[:2])
                cut = slice(y, y + side), slice(x, x + side)
                measured[name_of(folder)].append(measure(unit(blurred[cut]), unit(sharp[cut])))
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    with mpl.rc_context({"font.size": 8}):
        for axis, (column, title, bins) in zip(
            figure.subplots(1, 2),
            [(0, "PSNR of blurred against sharp, dB", np.arange(12, 52, 1.5)),
             (1, "gradient energy lost to the blur", np.arange(-0.2, 1.01, 0.05))],
            strict=True,
        ):  # fmt: skip
            for name, values in measured.items():
                values = np.array(values)[:, column]
                low, middle, high = np.percentile(values, [5, 50, 95])
                print(f"{title}: {name}: 5 % {low:.2f}, median {middle:.2f}, 95 % {high:.2f}")
                axis.hist(values.clip(bins[0], bins[-1]), bins, density=True, histtype="step",
                          linewidth=2 if name == "preset real" else 1, label=name)  # fmt: skip
            axis.set_xlabel(title)
            axis.set_yticks([])
            axis.legend()
    figure.savefig(IMAGES / "blur-realism.png", dpi=130)


def crop(rng: np.random.Generator, paths: list[Path], side: int) -> Tensor:
    """A random square of a random photo at a scale of 0.35 to 1."""
    image = unit(read_rgb(paths[int(rng.integers(len(paths)))]))[None]
    scale = max(rng.choice([1, 0.71, 0.5, 0.35]), side / min(image.shape[2:]))
    image = F.interpolate(image, scale_factor=scale, mode="bicubic", antialias=True)[0]
    y, x = (int(rng.integers(n - side + 1)) for n in image.shape[1:])
    return (image[:, y : y + side, x : x + side].clamp(0, 1) * 255).round().to(torch.uint8)


def measure(blurred: Tensor, sharp: Tensor) -> tuple[float, float]:
    """PSNR in dB, at most 60, and the share of gradient energy lost to the blur."""
    eight = [(x.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy() for x in (blurred, sharp)]
    energy = [float(sobel(x.mean(0)[None, None]).square().mean()) for x in (blurred, sharp)]
    return min(psnr(*eight), 60.0), 1 - energy[0] / max(energy[1], 1e-9)


def unit(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1) / 255


def name_of(folder: Path) -> str:
    return folder.resolve().name if folder.name != "train" else folder.resolve().parent.name


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
