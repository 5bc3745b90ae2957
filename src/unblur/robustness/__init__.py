"""The robustness card: how a model's quality depends on blur, noise, JPEG, exposure and more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unblur import __version__
from unblur.datasets import find_data, read_rgb
from unblur.errors import DataError
from unblur.evaluate.models import open_candidates
from unblur.robustness import card
from unblur.robustness.scene import LONGEST, SMALLEST, make_scene
from unblur.robustness.stresses import LENGTH, STRESSES, Restore, Stress

SIDE = 512
"""Largest height and width of the part of a photo that is used."""

Photos = list[tuple[str, np.ndarray]]


def run(
    photos: Path | None,
    models: Sequence[str],
    out: Path,
    count: int = 8,
    seed: int = 0,
    advance: Callable[[int, int | None], None] = lambda done, total: None,
    trust: bool = False,
) -> dict[str, Any]:
    """Measures models and writes `card.md`, `card.html`, `card.json` and a plot of each stress.

    Args:
        photos: a folder of sharp photos, or of pairs, of which the sharp ones are taken; None
            takes four photographs of scikit-image.
        models: see `open_candidates`.
        out: folder for the card; its files of an earlier card are replaced.
        count: photos at most, chosen by `seed`.
        advance: called after each stress with the number done and the total.
        trust: see `open_candidates`.

    Returns:
        The card, as `measure`.

    Raises:
        DataError, ModelError, CheckpointError: for unusable inputs.
        UnblurError: if a file cannot be written.
    """
    chosen = _sample_photos() if photos is None else _choose(photos, count, seed)
    with open_candidates(models, trust=trust) as candidates:
        restorers = {candidate.spec.name: candidate.restore for candidate in candidates}
        result = measure(restorers, chosen[:count], seed, advance)
    result["source"] = "scikit-image" if photos is None else photos.name
    card.write(result, out)
    return result


def measure(
    models: dict[str, Restore],
    photos: Photos,
    seed: int = 0,
    advance: Callable[[int, int | None], None] = lambda done, total: None,
    stresses: Sequence[Stress] = STRESSES,
) -> dict[str, Any]:
    """Measures models under each stress.

    Args:
        models: by name; (h, w, 3) uint8 in and out.
        photos: names and (h, w, 3) uint8 pictures, sharp.

    Returns:
        `{"photos", "skipped", "conditions", "stresses": [{"name", "title", "axis", "levels",
        "kind", "about", "models": [{"name", "mean", "least", "photos"}]}]}`; mean and least are
        over the photos, one for each level; "photos" holds each photo's scores, level by level.

    Raises:
        DataError: if no photo is large enough.
    """
    made = [make_scene(name, x, SIDE, seed + i) for i, (name, x) in enumerate(photos)]
    scenes = [scene for scene in made if scene]
    if not scenes:
        raise DataError(
            f"no photo is large enough: {SMALLEST}x{SMALLEST} pixels at least are needed, and room "
            f"for a motion of {LONGEST}"
        )
    entries = []
    for done, stress in enumerate(stresses, 1):
        rows = []
        for name, restore in models.items():
            scores = np.array([list(stress.scores(restore, scene)) for scene in scenes])
            rows.append({
                "name": name, "mean": scores.mean(0).tolist(), "least": scores.min(0).tolist(),
                "photos": scores.tolist(),
            })  # fmt: skip
        entries.append({
            "name": stress.name, "title": stress.title, "axis": stress.axis,
            "levels": list(stress.levels), "kind": stress.kind, "about": stress.about,
            "models": rows,
        })  # fmt: skip
        advance(done, len(stresses))
    return {
        "photos": [scene.name for scene in scenes],
        "skipped": [name for (name, _), scene in zip(photos, made, strict=True) if not scene],
        "conditions": [
            f"up to {SIDE}x{SIDE} pixels from the middle of each photo",
            "PSNR of uint8 RGB; equal pictures count as 100 dB",
            f"where the blur's length is not varied, the camera shakes along {LENGTH:.0f} pixels",
            "blurred in linear light, rounded to 8 bits",
            f"seed {seed}, unblur {__version__}",
        ],
        "stresses": entries,
    }


def _choose(folder: Path, count: int, seed: int) -> Photos:
    pairs, paths = find_data(folder)
    paths = paths or [pair.sharp for pair in pairs]
    chosen = sorted(np.random.default_rng(seed).permutation(len(paths))[:count])
    return [(paths[i].relative_to(folder).as_posix(), read_rgb(paths[i])) for i in chosen]


def _sample_photos() -> Photos:
    from skimage import data

    names = ("astronaut", "chelsea", "coffee", "rocket")
    return [(name, getattr(data, name)()) for name in names]
