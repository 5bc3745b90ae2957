"""What deblurring gains on long blur at each scale, and what it costs where there is little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.inspection import pictures
from experiments.inspection.setup import Setup
from unblur import Deblurrer
from unblur.datasets import evenly, find_dataset, read_rgb
from unblur.inference.options import scale_of, scale_text
from unblur.robustness.scene import Kind
from unblur.robustness.stresses import Restore, gain, psnr

LONG = (10, 20, 40, 60, 80, 120)
"""Smooth paths on photos as they are, in pixels."""
LARGE = (60, 80, 120, 240)
"""The same on photos that are enlarged: sharp at half their size or a third of it."""
MEGAPIXELS = 12
PHOTOS = 8
"""Photos for long blur, evenly spaced by name."""
LITTLE = (0.5, 1, 2, 3)
"""Paths where there is next to nothing to gain, in pixels."""
LOSS = 0.3
"""No photo may lose more, in dB."""
KINDS: tuple[Kind, ...] = ("straight", "smooth")
SCALES = (1.0, 2 / 3, 0.5, 1 / 3, 0.25)


def long(setup: Setup) -> dict[str, Any]:
    """Gains on smooth paths, on photos and enlarged ones, and on real pairs, at each scale.

    Returns:
        `{"scales": [names], "groups": [{"name", "photos", "size", "rows": [{"level", "input": mean
        PSNR, "mean": [gains by scale], "least": [...]}]}]}`.
    """
    restorers = {as_text(s): at_scale(setup.deblurrer, s) for s in scales(setup)}
    held = pictures.load_photos(setup.photos, setup.every)
    photos = evenly(held, 1 if setup.quick else setup.count or PHOTOS)
    groups = [_moved(setup, restorers, photos, "photos", LONG)]
    if setup.large:
        megapixels = 0.1 if setup.quick else MEGAPIXELS
        some = pictures.largest(held, 1 if setup.quick else setup.large)
        large = [(name, pictures.enlarge(x, megapixels)) for name, x in some]
        groups.append(_moved(setup, restorers, large, "enlarged", LARGE))
    if setup.pairs:
        rows = []
        for folder in setup.pairs:
            found = setup.few(find_dataset(folder).pairs)
            shots = [(read_rgb(pair.blur), read_rgb(pair.sharp)) for pair in found]
            name = "/".join(folder.resolve().parts[-2:])
            done = setup.report(f"gains on {name}", shots)
            rows.append({"level": name, "count": len(shots), **_gains(restorers, done)})
        groups.append({"name": "pairs", "rows": rows})
    return {"scales": list(restorers), "groups": groups}


def little(setup: Setup) -> dict[str, Any]:
    """Changes of PSNR on photos moved along straight and smooth paths of a few pixels.

    Returns:
        `{"photos", "model", "rows": [{"path", "length", "input": mean PSNR, "mean", "worst",
        "name": of the worst, "losers": photos that lose more than `LOSS`, "same": photos that come
        back as they were}]}`.
    """
    scenes = pictures.make_scenes(setup.load_photos(), 10**6, max(LITTLE), *KINDS)
    rows = []
    for kind in KINDS:
        for length in setup.few(LITTLE):
            found = []
            for scene in setup.report(f"{kind} paths of {length:g} pixels", scenes):
                blurred, sharp = scene.shoot(length, kind=kind)
                after = setup.deblurrer(blurred)
                before = psnr(blurred, sharp)
                same = bool(np.array_equal(after, blurred))
                found.append((psnr(after, sharp) - before, before, same, scene.name))
            changes = [change for change, *_ in found]
            worst = min(found)
            rows.append({
                "path": kind, "length": length,
                "input": float(np.mean([before for _, before, *_ in found])),
                "mean": float(np.mean(changes)), "worst": worst[0], "name": worst[3],
                "losers": sum(change < -LOSS for change in changes),
                "same": sum(same for _, _, same, _ in found),
            })  # fmt: skip
    return {"photos": len(scenes), "model": setup.deblurrer.description, "rows": rows}


def scales(setup: Setup) -> Sequence[float | str]:
    """The scales that are asked for; by default "auto" and `SCALES`."""
    return setup.scales or setup.few(("auto", *SCALES))


def at_scale(deblurrer: Deblurrer, scale: float | str) -> Restore:
    """Deblurring at a scale: (h, w, 3) uint8 in and out."""
    return Deblurrer(deblurrer.engine, tile=deblurrer.tile, scale=scale_of(scale))


def as_text(scale: float | str) -> str:
    """auto, 1, 1/2, 0.4."""
    return scale if isinstance(scale, str) else scale_text(scale)


def _moved(
    setup: Setup,
    restorers: dict[str, Restore],
    photos: pictures.Photos,
    name: str,
    lengths: Sequence[float],
) -> dict[str, Any]:
    """A group of `long`: photos moved along smooth paths."""
    scenes = pictures.make_scenes(photos, 10**6, max(lengths), "smooth")
    # Enlarged photos have no detail that finer sub-frames would show.
    density = 2.0 if name == "photos" else 0.5
    rows = []
    for length in setup.few(lengths):
        some = setup.report(f"{name}, smooth paths of {length:g} pixels", scenes)
        shots = (scene.shoot(length, kind="smooth", density=density) for scene in some)
        rows.append({"level": length, **_gains(restorers, shots)})
    size = float(np.mean([scene.sharp.size / 3e6 for scene in scenes]))
    return {"name": name, "photos": [s.name for s in scenes], "megapixels": size, "rows": rows}


def _gains(restorers: dict[str, Restore], shots: Any) -> dict[str, Any]:
    """Mean and least gains of each restorer over pairs of blurred and sharp pictures."""
    found, before = [], []
    for blurred, sharp in shots:
        before.append(psnr(blurred, sharp))
        found.append([gain(restore, blurred, sharp) for restore in restorers.values()])
    mean, least = np.mean(found, axis=0).tolist(), np.min(found, axis=0).tolist()
    return {"input": float(np.mean(before)), "mean": mean, "least": least}
