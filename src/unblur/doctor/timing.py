"""How long the network takes for a tile on this machine."""

from __future__ import annotations

import statistics
import time

from unblur.doctor.finding import Finding, State, guarded

SIDE = 512
"""Side of the tile, in pixels."""
_RUNS = 5
_SECONDS = 1.2
"""After these seconds no further run is begun."""


def findings() -> list[Finding]:
    return [guarded("tile", _tile, needed=True)]


def _tile() -> Finding:
    import numpy as np

    from unblur.inference.engine import open_network

    network = open_network("default")
    tile = np.random.default_rng(0).uniform(-1, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    began = time.perf_counter()
    out = network(tile)  # compiles it
    ready, seconds = time.perf_counter() - began, []
    while not seconds or (len(seconds) < _RUNS and sum(seconds) < _SECONDS):
        began = time.perf_counter()
        network(tile)
        seconds.append(time.perf_counter() - began)
    if out.shape != tile.shape or not np.isfinite(out).all():
        text = "the network's result is no picture; update the drivers, or install unblur again"
        return Finding("tile", State.BROKEN, text, needed=True)
    median = statistics.median(seconds)
    speed = SIDE * SIDE / 1e6 / median
    facts = {
        "side": SIDE,
        "seconds": round(median, 4),
        "megapixels_per_second": round(speed, 3),
        "first_seconds": round(ready, 3),
        "runs": len(seconds),
    }
    text = (
        f"{SIDE} x {SIDE} pixels in {median:.2f} s, {speed:.2f} megapixels a second, median of "
        f"{len(seconds)} ({network.description}; ready after {ready:.1f} s)"
    )
    return Finding("tile", State.OK, text, needed=True, facts=facts)
