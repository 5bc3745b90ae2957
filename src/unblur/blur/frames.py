"""Blurred pairs from a fast video: the mean of consecutive frames, and the middle one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8

from unblur.blur import response

Frame = UInt8[np.ndarray, "h w 3"]

RESPONSES = {"signal": response.SIGNAL, "srgb": response.SRGB}


@dataclass
class Skipped:
    """Counts what `average_frames` leaves out."""

    duplicates: int = 0
    """Frames equal to the one before, as frame-rate conversion makes them."""
    cuts: int = 0
    """Cuts between scenes; no window spans one."""


def average_frames(
    frames: Iterable[Frame],
    rng: np.random.Generator,
    counts: tuple[int, ...] = (7, 9, 11, 13),
    responses: tuple[str, ...] = ("signal", "srgb"),
    skipped: Skipped | None = None,
) -> Iterator[tuple[Frame, Frame, dict[str, int | str]]]:
    """Pairs of a blurred and a sharp frame, as GoPro was made (Nah et al. 2017).

    Windows of a random length overlap by half. The blurred frame is the mean, by the responses in
    turn: of the encoded values ("signal", like GoPro's `blur`) or of light by sRGB's curve
    ("srgb"). The sharp frame is the window's middle one.

    Args:
        frames: consecutive frames of one size.
        counts: odd lengths to choose from.
        responses: of `RESPONSES`.
        skipped: counts what is left out.

    Yields:
        blurred, sharp, and the pair's parameters: first_frame, frames, response.

    Raises:
        ValueError: if a length is even.
    """
    if any(count % 2 == 0 for count in counts):
        raise ValueError(f"the middle frame needs odd counts, not {counts}")
    skipped = skipped or Skipped()
    window: list[tuple[int, Frame]] = []
    changes: list[float] = []
    count, names = int(rng.choice(counts)), list(responses)
    for index, frame in enumerate(frames):
        if window:
            change = _change(window[-1][1], frame)
            if change < 0.02:
                skipped.duplicates += 1
                continue
            if change > 25 and change > 5 * float(np.median(changes or [0.0])):
                skipped.cuts += 1
                window.clear()
            changes = [*changes[-20:], change]
        window.append((index, frame))
        if len(window) < count:
            continue
        chosen = np.stack([kept for _, kept in window])
        blurred = mean(chosen, response.tabulate(torch.tensor([RESPONSES[names[0]]])))
        facts = {"first_frame": window[0][0], "frames": count, "response": names[0]}
        yield blurred, chosen[count // 2], facts
        done, count = count, int(rng.choice(counts))
        del window[: max(done // 2 + 1, done - count + 1)]
        names.append(names.pop(0))


def mean(frames: UInt8[np.ndarray, "n h w 3"], curve: response.Response) -> Frame:
    """The mean of frames, averaged as light after decoding by a curve."""
    light = torch.zeros(1, *frames.shape[1:])
    for frame in frames:
        light += curve.decode(torch.from_numpy(frame)[None])
    encoded = curve.encode(light / len(frames))
    return (encoded[0] * 255).round().to(torch.uint8).numpy()


def _change(before: Frame, after: Frame) -> float:
    """Mean absolute difference in grey levels, of every fourth pixel."""
    a, b = (x[::4, ::4].astype(np.int16) for x in (before, after))
    return float(np.abs(a - b).mean())
