"""Measures the memory that a network takes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import psutil

from unblur.inference.contract import Contract
from unblur.inference.memory import available
from unblur.inference.probe.picture import picture_of


def bytes_per_pixel(
    run: Callable[[np.ndarray], np.ndarray], size: tuple[int, int] | None, multiple: int
) -> int:
    """Bytes that a pixel of a tile takes, a quarter more than measured; at least the default.

    Args:
        size: of its images, if it takes no others.
        multiple: of their sides, else.
    """
    most = 0.0
    # Each side's share over the one before, which is held already.
    sides = [multiple * math.ceil(side / multiple) for side in (64, 128, 256)]
    steps = [(0, size)] if size else [(a, (b, b)) for a, b in pairwise(dict.fromkeys(sides))]
    for smaller, larger in steps:
        pixels = math.prod(larger) - smaller**2
        if most * pixels > available() / 2:
            break
        batch = np.ascontiguousarray(picture_of(larger).transpose(2, 0, 1)[None])
        with _peak() as grown:
            run(batch)
        most = max(most, grown[0] / pixels)
    return max(Contract.memory, math.ceil(1.25 * most))


@contextmanager
def _peak() -> Iterator[list[int]]:
    """The bytes by which this process grows at most, in a list of one once it is over."""
    process, grown, over = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not over.wait(0.002):
            grown[0] = max(grown[0], process.memory_info().rss - before)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield grown
    finally:
        over.set()
        thread.join()
        grown[0] = max(grown[0], process.memory_info().rss - before)
