"""The stresses of a robustness card, each at levels from mild to hard."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyvips

from unblur import metrics
from unblur.inference.tiling import run_tiled
from unblur.metrics import EQUAL
from unblur.robustness.scene import GRID, LONGEST, Scene

Restore = Callable[[np.ndarray], np.ndarray]
"""A model: (h, w, 3) uint8 in and out."""

LENGTH = 15.0
"""Path of the camera in pixels where it is not varied: a moderate shake."""

LENGTHS = (0.5, 1, 2, 3, 5, 10, 20, 40, 60, 80, LONGEST)
NOISE = (0, 2, 5, 10, 20, 30)
JPEG = (95, 90, 75, 60, 40, 20)
STOPS = (0, 1, 2, 3)
SCALES = (1, 0.75, 0.5, 0.35, 0.25)
TILES = (256, 192)
TURNS = {
    "90": (1, False),
    "180": (2, False),
    "270": (3, False),
    "mirrored": (0, True),
    "mirrored, 90": (1, True),
    "mirrored, 180": (2, True),
    "mirrored, 270": (3, True),
}
"""Quarter turns, and whether the picture is mirrored before them."""


@dataclass(frozen=True)
class Stress:
    """A stress, its levels, and how a model is scored under it.

    Attributes:
        kind: "gain" where a score is PSNR of the output less PSNR of the input, both against the
            sharp picture; "agreement" where it is PSNR between two pictures that should be equal.
        scores: a scene's score at each level, in their order.
    """

    name: str
    title: str
    axis: str
    levels: tuple[float | str, ...]
    kind: Literal["gain", "agreement"]
    about: str
    scores: Callable[[Restore, Scene], Iterator[float]]


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    """PSNR in dB, at most `EQUAL`."""
    return min(metrics.psnr(image, truth), EQUAL)


def gain(restore: Restore, image: np.ndarray, truth: np.ndarray) -> float:
    """The gain of a model's PSNR over that of its input, in dB."""
    return psnr(restore(image), truth) - psnr(image, truth)


def _sharp(restore: Restore, scene: Scene) -> Iterator[float]:
    yield psnr(restore(scene.sharp), scene.sharp)


def _blur_length(restore: Restore, scene: Scene) -> Iterator[float]:
    for length in LENGTHS:
        yield gain(restore, *scene.shoot(length))


def _smooth(restore: Restore, scene: Scene) -> Iterator[float]:
    for length in LENGTHS:
        yield gain(restore, *scene.shoot(length, kind="smooth"))


def _noise(restore: Restore, scene: Scene) -> Iterator[float]:
    blurred, sharp = scene.shoot(LENGTH)
    grain = np.random.default_rng(scene.seed).normal(0, 1, blurred.shape)
    for sigma in NOISE:
        noisy = np.rint(blurred + sigma * grain).clip(0, 255).astype(np.uint8)
        yield gain(restore, noisy, sharp)


def _jpeg(restore: Restore, scene: Scene) -> Iterator[float]:
    blurred, sharp = scene.shoot(LENGTH)
    image: Any = pyvips.Image.new_from_array(blurred)
    for quality in JPEG:
        saved = pyvips.Image.new_from_buffer(image.jpegsave_buffer(Q=quality), "").numpy()
        yield gain(restore, saved, sharp)


def _saturation(restore: Restore, scene: Scene) -> Iterator[float]:
    for stops in STOPS:
        yield gain(restore, *scene.shoot(LENGTH, stops))


def _scale(restore: Restore, scene: Scene) -> Iterator[float]:
    pair = scene.shoot(LENGTH)
    for scale in SCALES:
        height, width = (round(n * scale) for n in scene.sharp.shape[:2])
        blurred, sharp = (metrics.resize_by_area(image, height, width) for image in pair)
        yield gain(restore, blurred, sharp)


def _rotation(restore: Restore, scene: Scene) -> Iterator[float]:
    blurred, _ = scene.shoot(LENGTH)
    straight = restore(blurred)
    for quarters, mirrored in TURNS.values():
        turned = np.rot90(blurred[:, ::-1] if mirrored else blurred, quarters)
        back = np.rot90(restore(np.ascontiguousarray(turned)), -quarters)
        yield psnr(back[:, ::-1] if mirrored else back, straight)


def _tiles(restore: Restore, scene: Scene) -> Iterator[float]:
    blurred, _ = scene.shoot(LENGTH)
    whole = restore(blurred)
    for tile in TILES:
        yield psnr(in_tiles(restore, blurred, tile), whole)


def in_tiles(restore: Restore, image: np.ndarray, tile: int) -> np.ndarray:
    """A model's output merged from tiles that share a quarter with their neighbours."""
    strips = run_tiled(
        lambda pixels: restore(pixels).astype(np.float32),
        lambda y, x: np.ascontiguousarray(image[y, x]),
        (image.shape[0], image.shape[1]),
        tile,
        math.ceil(tile / 4),
        GRID,
    )
    return np.rint(np.concatenate([strip for _, strip in strips])).astype(np.uint8)


STRESSES = (
    Stress(
        "sharp", "Sharp photos", "photo", ("as it is",), "agreement",
        "A photo that needs nothing should come back as it was. PSNR between the two.", _sharp,
    ),
    Stress(
        "blur", "Blur length", "path of the camera, pixels", LENGTHS, "gain",
        "The same shake of the camera, longer and longer. A model should not harm a photo that "
        "is nearly sharp.", _blur_length,
    ),
    Stress(
        "smooth", "Smooth motion", "path of the camera, pixels", LENGTHS, "gain",
        "The same for a smooth path, which bends but does not turn back: of the same length, it "
        "blurs more.", _smooth,
    ),
    Stress(
        "noise", "Noise", "standard deviation, levels of 255", NOISE, "gain",
        "Gaussian noise on the blurred picture.", _noise,
    ),
    Stress(
        "jpeg", "JPEG", "quality", JPEG, "gain",
        "The blurred picture saved as JPEG, by libjpeg.", _jpeg,
    ),
    Stress(
        "saturation", "Saturation", "over-exposure, stops", STOPS, "gain",
        "More and more of the picture is brighter than the sensor can hold: lights leave streaks "
        "that no convolution explains.", _saturation,
    ),
    Stress(
        "scale", "Down-scaling", "share of the side", SCALES, "gain",
        "Both pictures made smaller by area: blur gets shorter, edges harder.", _scale,
    ),
    Stress(
        "rotation", "Rotation", "turn, degrees", tuple(TURNS), "agreement",
        "A turned or mirrored picture should get the same answer, turned. PSNR between the two.",
        _rotation,
    ),
    Stress(
        "tiles", "Tiles against whole", "side of a tile, pixels", TILES, "agreement",
        "A large photo is worked on in overlapping tiles, and should look as if it were not. "
        "PSNR between the two.", _tiles,
    ),
)  # fmt: skip
