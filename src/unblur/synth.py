"""Writes blurred and sharp pairs to disk, from sharp photos or a fast video."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
import torch

from unblur import photo
from unblur.blur import synthesize
from unblur.blur.frames import Frame, average_frames
from unblur.config import PRESETS, BlurConfig
from unblur.datasets import DataError, find_data, read_rgb

VIDEOS = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v")


def synthesize_pairs(
    source: Path,
    out: Path,
    count: int | None = None,
    seed: int = 0,
    preset: str = "real",
) -> int:
    """Writes `out/blur/NAME.png` and `out/sharp/NAME.png`, and returns how many.

    A photo loses a margin on each side, over which the camera sweeps; a video's consecutive
    frames are averaged, and its middle frame is the sharp one. The same seed makes the same files.

    Args:
        source: a folder of sharp photos, one photo, or a video.
        count: pairs to make; photos are used in turn. By default one a photo, or all of a video.
        preset: of `config.PRESETS`, for photos; a video's blur is its own.

    Raises:
        DataError: if the source cannot be used or `out` has pairs in it.
    """
    for side in ("blur", "sharp"):
        if (out / side).is_dir() and any((out / side).iterdir()):
            raise DataError(f"{out}: has pairs in it already; name an empty folder")
    if source.suffix.lower() in VIDEOS:
        pairs = _from_video(source, seed)
    else:
        pairs = _from_photos(source, count, seed, PRESETS[preset])
    made = 0
    for blurred, sharp, name in pairs:
        if made == count:
            break
        for side, pixels in (("blur", blurred), ("sharp", sharp)):
            image: Any = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
            try:
                photo.save(image.pngsave_buffer(), out / side / f"{name}.png")
            except photo.PhotoError as error:
                raise DataError(str(error)) from None
        made += 1
    return made


def _from_photos(
    source: Path, count: int | None, seed: int, config: BlurConfig
) -> Iterator[tuple[Frame, Frame, str]]:
    paths = [source] if source.is_file() else find_data(source)[1]
    if not paths:
        raise DataError(f"{source}: a folder of sharp photos was expected, this is one of pairs")
    margin = math.ceil(config.max_length / 2) + 4
    for index in range(count or len(paths)):
        path = paths[index % len(paths)]
        image = torch.from_numpy(read_rgb(path).copy()).permute(2, 0, 1)[None]
        if min(image.shape[2:]) <= 2 * margin + 64:
            raise DataError(f"{path}: is too small; {2 * margin + 64} pixels a side are needed")
        rng = np.random.default_rng([seed, index])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        focal = torch.tensor([max(image.shape[2:]) * rng.uniform(0.7, 1.5)], dtype=torch.float32)
        pair = synthesize(image, torch.zeros(1, 2), focal, margin, config, generator)
        blurred, sharp = (
            (x[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy() for x in pair
        )
        yield blurred, sharp, f"{index:05d}-{path.stem}"


def _from_video(path: Path, seed: int) -> Iterator[tuple[Frame, Frame, str]]:
    for blurred, sharp, info in average_frames(_frames(path), np.random.default_rng(seed)):
        yield blurred, sharp, f"{path.stem}-{info['first_frame']:06d}-{info['frames']}"


def _frames(path: Path) -> Iterator[Frame]:
    try:
        import av
        import av.error
    except ImportError:
        raise DataError(f"{path}: reading video needs pip install 'unblur[video]'") from None
    try:
        with av.open(path) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except (av.error.FFmpegError, IndexError) as error:
        raise DataError(f"{path}: is not a video that can be read ({error})") from None
