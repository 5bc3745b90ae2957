"""The pictures that are measured: photos, and the same blurred by a known amount."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyvips
import torch
from skimage import data

from unblur.blur import lens, objects, response
from unblur.blur.scene import Motion, expose
from unblur.blur.trajectory import TIMES
from unblur.datasets import evenly, find_data, read_rgb
from unblur.errors import UnblurError
from unblur.robustness.scene import Kind, Scene, make_scene, to_8_bit
from unblur.training.config import DataConfig

Photos = list[tuple[str, np.ndarray]]
SCIKIT_IMAGE = ("astronaut", "chelsea", "coffee", "rocket")


def load_photos(folder: Path | None, every: int | None = None, count: int | None = None) -> Photos:
    """Sharp photos with their names; those of scikit-image without a folder.

    Args:
        folder: of photos, or of pairs, of which the sharp ones are taken.
        every: takes every so-many-th photo by name; by default those that training holds out.
        count: photos at most, evenly spaced.
    """
    if folder is None:
        found = [(name, getattr(data, name)()) for name in SCIKIT_IMAGE]
        return evenly(found, count or len(found))
    pairs, paths = find_data(folder)
    every = every or DataConfig().hold_out_every
    paths = (paths or [pair.sharp for pair in pairs])[every - 1 :: every]
    if not paths:
        raise UnblurError(f"{folder}: of every {every} photos the last is measured; has too few")
    return [(path.stem, read_rgb(path)) for path in evenly(paths, count or len(paths))]


def make_scenes(photos: Photos, side: int, longest: float, *kinds: Kind) -> list[Scene]:
    """A scene of each photo that is large enough; raises UnblurError if none is."""
    made = [make_scene(name, x, side, i, longest, kinds) for i, (name, x) in enumerate(photos)]
    scenes = [scene for scene in made if scene]
    if not scenes:
        raise UnblurError(f"no photo has room for a motion of {longest:g} pixels")
    return scenes


def largest(photos: Photos, count: int) -> Photos:
    """The photos with the most pixels."""
    return sorted(photos, key=lambda photo: -photo[1].size)[:count]


def enlarge(photo: np.ndarray, megapixels: float) -> np.ndarray:
    """A photo enlarged 2 to 3 times, to about so many megapixels, by Lanczos."""
    factor = min(3.0, max(2.0, math.sqrt(megapixels * 3e6 / photo.size)))
    return pyvips.Image.new_from_array(photo).resize(factor, kernel="lanczos3").numpy()


def direction(path: torch.Tensor) -> float:
    """The principal axis of the positions on a path (times, 2), x right and y down, in degrees.

    0 to 180, counter-clockwise from the horizontal, as `BlurMap.angle`.
    """
    x, y = (path - path.mean(0)).double().T
    return (
        math.degrees(0.5 * math.atan2(-2 * float((x * y).sum()), float((x * x - y * y).sum())))
        % 180
    )


def turn_between(first: np.ndarray | float, second: float) -> np.ndarray:
    """The angle between directions in degrees, 0 to 90."""
    apart = np.abs(np.asarray(first) - second) % 180
    return np.minimum(apart, 180 - apart)


def defocused(photo: np.ndarray, radius: float) -> np.ndarray:
    """A photo out of focus: each point is a disc, in linear light."""
    curve, light = _light(photo)
    return to_8_bit(curve.encode(lens.defocus(light, torch.tensor([[radius, 0.0, 0.0]]))))


def with_moving_subject(scene: Scene, length: float, kind: Kind = "smooth") -> np.ndarray:
    """A scene at rest behind an object that moves.

    The object is a rounded part of the photo's mirror image.
    """
    curve, light = _light(scene.photo)
    one = torch.ones(1, dtype=torch.long)
    layers = objects.cut_out(light, one, torch.Generator().manual_seed(scene.seed))
    poses = torch.zeros(1, 2, TIMES, 6)
    poses[:, 1, :, :2] = scene.paths[kind] * length
    motion = Motion(poses, torch.zeros(1, 2), torch.ones(1), torch.ones(1, 2))
    return to_8_bit(curve.encode(expose(light, motion, scene.margin, one, layers)))


def _light(photo: np.ndarray) -> tuple[response.Response, torch.Tensor]:
    curve = response.tabulate(torch.tensor([response.SRGB]))
    return curve, curve.decode(torch.from_numpy(photo.transpose(2, 0, 1).copy())[None])
