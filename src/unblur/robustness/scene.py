"""A sharp photo blurred by the camera's motion: one path of each kind, at any length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from unblur.blur import response
from unblur.blur.config import BlurConfig
from unblur.blur.scene import Motion, expose
from unblur.blur.trajectory import TIMES, camera_shake, sample_paths

Kind = Literal["shake", "smooth", "straight"]
"""Of a path: `camera_shake`'s; smooth, its heading and its speed drift; straight, of one speed."""

LONGEST = 120
"""Longest path of the camera, in pixels."""
GRID = 64
"""Sides are multiples of it, so that no network pads, and turned pictures are tiled alike."""
SMALLEST = 3 * GRID
"""Least height and width of a scene, those of the smallest tile."""
_SMOOTH = BlurConfig(sweep_share=0, shake_share=0, squiggly_share=0)
_STRAIGHT = BlurConfig(sweep_share=1)


@dataclass(frozen=True)
class Scene:
    """A photo, and the paths of a camera that takes it.

    Attributes:
        name: of the photo.
        photo: (h + 2 margin, w + 2 margin, 3) uint8, sRGB.
        margin: pixels on every side that paths may reach.
        paths: (times, 2), shifts of the camera (x, y), of length 1. The sharp picture is taken at
            shift 0: the mean of a shake, whose middle cannot be told from the blur, and the middle
            of the exposure of the others.
        longest: path that the margin has room for, in pixels.
        seed: of the paths and of the noise.
    """

    name: str
    photo: np.ndarray
    margin: int
    paths: dict[Kind, torch.Tensor]
    longest: float
    seed: int

    @property
    def sharp(self) -> np.ndarray:
        """The photo itself without its margin, (h, w, 3) uint8."""
        return self.photo[self.margin : -self.margin, self.margin : -self.margin]

    def shoot(
        self, length: float, stops: float = 0.0, kind: Kind = "shake", density: float = 2.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """The blurred and the sharp picture, (h, w, 3) uint8.

        The blur is a mean in linear light, clipped afterwards, so that lights leave streaks.

        Args:
            length: of the camera's path, in pixels; up to `longest`.
            stops: of over-exposure; each doubles the light.
            kind: of the path, one of `paths`.
            density: sub-frames for each pixel of the path.

        Raises:
            ValueError: if the path is longer.
        """
        if length > self.longest:
            raise ValueError(f"a path of up to {self.longest} pixels was expected, not {length}")
        curve = response.tabulate(torch.tensor([response.SRGB]))
        pixels = torch.from_numpy(self.photo.transpose(2, 0, 1).copy())[None]
        light = curve.decode(pixels) * 2**stops
        poses = torch.zeros(1, 1, TIMES, 6)
        poses[..., :2] = self.paths[kind] * length
        motion = Motion(poses, torch.zeros(1, 2), torch.ones(1), torch.ones(1, 2))
        blurred = expose(light, motion, self.margin, density=density)
        sharp = light[..., self.margin : -self.margin, self.margin : -self.margin]
        return to_8_bit(curve.encode(blurred)), to_8_bit(curve.encode(sharp))


def make_scene(
    name: str,
    photo: np.ndarray,
    side: int,
    seed: int,
    longest: float = LONGEST,
    kinds: Sequence[Kind] = ("shake", "smooth"),
) -> Scene | None:
    """A scene of the middle of a photo; None if it is too small.

    The photo must have room for the paths at the longest as well, to either side as far as they
    go: what a picture shows was in the photo.

    Args:
        photo: (h, w, 3) uint8.
        side: largest height and width of the scene.
        seed: of the paths and of the noise.
        longest: path in pixels.
        kinds: of paths.
    """
    paths: dict[Kind, torch.Tensor] = {kind: make_path(kind, seed) for kind in kinds}
    places = torch.cat(list(paths.values())) * longest
    # Of rows, then of columns: how far the view goes before and beyond the scene, and a pixel more
    # for the interpolation.
    before = [math.ceil(max(0.0, -float(low))) + 1 for low in places.amin(0).flip(0)]
    beyond = [math.ceil(max(0.0, float(high))) + 1 for high in places.amax(0).flip(0)]
    room = [n - a - b for n, a, b in zip(photo.shape[:2], before, beyond, strict=True)]
    size = [min(side, n) // GRID * GRID for n in room]
    if min(size) < SMALLEST:
        return None
    margin = max(*before, *beyond)
    cuts, pads = [], []
    for spare, n, a, b in zip(room, size, before, beyond, strict=True):
        start = (spare - n) // 2
        cuts.append(slice(start, start + a + n + b))
        pads.append((margin - a, margin - b))
    # The paths do not reach what is filled in.
    part = np.pad(photo[cuts[0], cuts[1]], [*pads, (0, 0)], mode="edge")
    return Scene(name, part, margin, paths, longest, seed)


def make_path(kind: Kind, seed: int) -> torch.Tensor:
    """A path of length 1, (times, 2); see `Scene.paths`."""
    generator = torch.Generator().manual_seed(seed)
    if kind == "shake":
        path = camera_shake(1, generator)[0]
        return path - torch.trapezoid(path, dim=0) / (TIMES - 1)
    if kind == "straight":  # else it would have the direction of the smooth one
        generator.manual_seed(2**31 + seed)
    path = sample_paths(1, _SMOOTH if kind == "smooth" else _STRAIGHT, generator)[0][0]
    return path - path[TIMES // 2]


def to_8_bit(image: torch.Tensor) -> np.ndarray:
    """The first of images (b, 3, h, w) in [0, 1] as (h, w, 3) uint8."""
    return (image[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
