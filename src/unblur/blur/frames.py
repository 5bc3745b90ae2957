"""Blurred pairs from a fast video: the mean of consecutive frames, and the middle one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from jaxtyping import UInt8

from unblur.blur import sensor

Frame = UInt8[np.ndarray, "h w 3"]


def average_frames(
    frames: Iterable[Frame], rng: np.random.Generator, counts: tuple[int, ...] = (7, 9, 11, 13)
) -> Iterator[tuple[Frame, Frame, dict[str, int]]]:
    """Pairs of a blurred and a sharp frame, as GoPro was made (Nah et al. 2017).

    Windows of a random odd length follow each other by half a window. The blurred frame is the
    mean of the encoded values, like GoPro's `blur`, for every other pair, and the mean in linear
    light (sRGB's curve) for the rest. The sharp frame is the window's middle one.

    Args:
        frames: consecutive frames of one size.
        counts: lengths to choose from, odd.

    Yields:
        blurred, sharp, and the pair's parameters: first frame, frames, response.

    Raises:
        ValueError: if a length is even.
    """
    if any(count % 2 == 0 for count in counts):
        raise ValueError(f"the middle frame needs odd counts, not {counts}")
    window: deque[Frame] = deque(maxlen=max(counts))
    first, count, response = 0, int(rng.choice(counts)), sensor.SIGNAL
    for index, frame in enumerate(frames):
        window.append(frame)
        if index < first + count - 1:
            continue
        chosen = np.stack(list(window)[-count:])
        yield mean(chosen, response), chosen[count // 2], {
            "first_frame": first, "frames": count, "response": response,
        }  # fmt: skip
        first, response = index + 1 - count // 2, sensor.SRGB - response
        count = int(rng.choice(counts))


def mean(frames: UInt8[np.ndarray, "n h w 3"], response: int) -> Frame:
    """The mean of frames in the domain of a response (`sensor.SIGNAL`: encoded values)."""
    light = torch.zeros(1, *frames.shape[1:])
    kind = torch.tensor([response])
    for frame in frames:
        light += sensor.decode(torch.from_numpy(frame)[None].float() / 255, kind)
    encoded = sensor.encode(light / len(frames), kind)
    return (encoded[0] * 255).round().to(torch.uint8).numpy()
