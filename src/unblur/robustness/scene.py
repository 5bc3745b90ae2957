"""A sharp photo blurred by camera shake: one path at any length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from unblur.blur import response
from unblur.blur.scene import Motion, expose
from unblur.blur.trajectory import TIMES, camera_shake

LONGEST = 80
"""Longest path of the camera, in pixels."""
MARGIN = LONGEST // 2 + 4
"""Pixels on every side that the camera's path may reach."""
GRID = 64
"""Sides are multiples of it, so that no network pads, and turned pictures are tiled alike."""
SMALLEST = 3 * GRID
"""Least height and width of a scene, those of the smallest tile."""


@dataclass(frozen=True)
class Scene:
    """A photo, and the path of a camera that takes it.

    Attributes:
        name: of the photo.
        photo: (h + 2 margin, w + 2 margin, 3) uint8, sRGB.
        path: (times, 2), shifts of the camera, of length 1, whose mean is 0: the sharp picture
            lies at the blur's centre of mass.
        seed: for the noise.
    """

    name: str
    photo: np.ndarray
    path: torch.Tensor
    seed: int

    @property
    def sharp(self) -> np.ndarray:
        """The photo itself without its margin, (h, w, 3) uint8."""
        return self.photo[MARGIN:-MARGIN, MARGIN:-MARGIN]

    def shoot(self, length: float, stops: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """The blurred and the sharp picture, (h, w, 3) uint8.

        The blur is a mean in linear light, clipped afterwards, so that lights leave streaks.

        Args:
            length: of the camera's path, in pixels; up to `LONGEST`.
            stops: of over-exposure; each doubles the light.

        Raises:
            ValueError: if the path is longer.
        """
        if length > LONGEST:
            raise ValueError(f"a path of up to {LONGEST} pixels was expected, not {length}")
        curve = response.tabulate(torch.tensor([response.SRGB]))
        pixels = torch.from_numpy(self.photo.transpose(2, 0, 1).copy())[None]
        light = curve.decode(pixels) * 2**stops
        poses = torch.zeros(1, 1, TIMES, 6)
        poses[..., :2] = self.path * length
        motion = Motion(poses, torch.zeros(1, 2), torch.ones(1), torch.ones(1, 2))
        blurred = expose(light, motion, MARGIN, density=2.0)
        sharp = light[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
        return _to_8_bit(curve.encode(blurred)), _to_8_bit(curve.encode(sharp))


def make_scene(name: str, photo: np.ndarray, side: int, seed: int) -> Scene | None:
    """A scene of the middle of a photo; None if it is too small.

    Args:
        photo: (h, w, 3) uint8.
        side: largest height and width of the scene.
        seed: of the path and of the noise.
    """
    height, width = (min(side, n - 2 * MARGIN) // GRID * GRID for n in photo.shape[:2])
    if min(height, width) < SMALLEST:
        return None
    top, left = (
        (n - m) // 2 - MARGIN for n, m in zip(photo.shape[:2], (height, width), strict=True)
    )
    part = photo[top : top + height + 2 * MARGIN, left : left + width + 2 * MARGIN]
    path = camera_shake(1, torch.Generator().manual_seed(seed))[0]
    path = path - torch.trapezoid(path, dim=0) / (TIMES - 1)
    return Scene(name, np.ascontiguousarray(part), path, seed)


def _to_8_bit(image: torch.Tensor) -> np.ndarray:
    return (image[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
