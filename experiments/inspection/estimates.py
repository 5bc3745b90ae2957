"""How well blur is measured: on real pairs, and on pictures blurred by a known amount."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.inspection import baselines, pictures
from experiments.inspection.setup import Setup
from experiments.inspection.statistics import Sample, correlations, median
from unblur.datasets import find_dataset, read_rgb
from unblur.inspection import Inspection, inspect_source
from unblur.robustness.scene import Kind, Scene

SCORE, LENGTH, RADIUS = "unblur, score", "unblur, length", "unblur, radius"
LENGTHS = (0.5, 1, 2, 3, 5, 10, 20, 30, 40)
LEAST = 5
"""Shortest path whose length and direction are judged, in pixels."""
RADII = (0.5, 1, 2, 3, 4, 6, 8)
SUBJECTS = (10, 20, 40)
"""Paths of a moving subject, in pixels."""
KNOWN = 0.5
"""Confidence from which a cell is told, as in `unblur.inspection`."""
SIDE = 512
"""Largest height and width of the part of a photo that is blurred."""
KINDS: tuple[Kind, ...] = ("straight", "smooth")


def pairs(setup: Setup) -> dict[str, Any]:
    """In how many pairs each measure calls the blurred picture less sharp than the sharp one.

    Returns:
        `{"folders": [{"name", "count", "below": {measure: count}, "wrong": [names]}]}`; "wrong"
        are the pairs whose score is not below.
    """
    folders = []
    for folder in setup.pairs:
        dataset = find_dataset(folder)
        below, wrong = Counter(dict.fromkeys((SCORE, *baselines.NAMES), 0)), []
        found = setup.few(dataset.pairs)
        for pair in setup.report(f"pairs of {folder.name}", found):
            blurred, sharp = (_measures(setup, read_rgb(p)) for p in (pair.blur, pair.sharp))
            below.update(name for name in sharp if blurred[name] < sharp[name])
            if not blurred[SCORE] < sharp[SCORE]:
                wrong.append(pair.name)
        name = "/".join(folder.resolve().parts[-2:])
        folders.append({"name": name, "count": len(found), "below": dict(below), "wrong": wrong})
    return {"folders": folders}


def motion(setup: Setup) -> dict[str, Any]:
    """Estimates for photos moved along straight and smooth paths of known lengths.

    Returns:
        `{"photos", "correlations": {"all lengths" | "judged": `correlations`}, "rows": [{"path",
        "length", "median": of the estimated length, "low", "high": its quartiles, "turn", "turns":
        medians of the direction's error in degrees by cell and by photo, "known": share of cells
        with confidence, "score": median, "called": {kind: photos}}]}`.
    """
    scenes = pictures.make_scenes(setup.load_photos(), SIDE, max(LENGTHS), *KINDS)
    samples, rows = [], []
    for kind in KINDS:
        for length in setup.few(LENGTHS):
            found, apart = [], []
            for scene in setup.report(f"{kind} paths of {length:g} pixels", scenes):
                image, _ = scene.shoot(length, kind=kind)
                inspection, values = _look(setup, image)
                found.append((inspection, values))
                samples.append(Sample(f"{scene.name}, {kind}", length, values))
                truth = pictures.direction(scene.paths[kind])
                known = inspection.map.confidence > KNOWN
                apart.append(pictures.turn_between(inspection.map.angle[known], truth))
            turns = [_turn(x, scene, kind) for (x, _), scene in zip(found, scenes, strict=True)]
            rows.append({
                "path": kind, "length": length,
                **_quartiles([-values[LENGTH] for _, values in found]),
                "turn": _median(np.concatenate(apart)),
                "turns": _median([turn for turn in turns if turn is not None]),
                "untold": turns.count(None),
                "known": float(np.mean([(x.map.confidence > KNOWN).mean() for x, _ in found])),
                "score": float(np.median([x.score for x, _ in found])),
                "called": Counter(x.kind for x, _ in found),
            })  # fmt: skip
    found = {"all": correlations(samples, 0), "judged": correlations(samples, LEAST)}
    return {"photos": len(scenes), "correlations": found, "rows": rows}


def kinds(setup: Setup) -> dict[str, Any]:
    """What sharp photos, defocused ones and moving subjects are called.

    Returns:
        `{"photos", "correlations": with the radius, "sharp": {"score", "least", "called",
        "blurred": [names]}, "defocus": [{"radius", "median", "low", "high", "score", "called"}],
        "subject": [{"length", "score", "called"}]}`.
    """
    photos = setup.load_photos()
    scenes = pictures.make_scenes(photos, SIDE, max(SUBJECTS), "smooth")
    sharp = [
        inspect_source(setup.inspector, image) for _, image in setup.report("sharp photos", photos)
    ]
    blurred = [
        name for (name, _), x in zip(photos, sharp, strict=True) if x.kind != "none"
    ]  # fmt: skip
    defocus, samples = [], []
    for radius in setup.few(RADII):
        found = []
        for scene in setup.report(f"defocus of {radius:g} pixels", scenes):
            inspection, values = _look(setup, pictures.defocused(scene.sharp, radius))
            samples.append(Sample(scene.name, radius, values))
            found.append((inspection, values))
        spread = _quartiles([-values[RADIUS] for _, values in found])
        defocus.append({"radius": radius, **spread, **_called([x for x, _ in found])})
    subject = []
    for length in setup.few(SUBJECTS):
        made = (
            pictures.with_moving_subject(scene, length)
            for scene in setup.report(f"subjects that move by {length:g} pixels", scenes)
        )
        subject.append({
            "length": length, **_called([inspect_source(setup.inspector, x) for x in made])
        })  # fmt: skip
    return {
        "photos": len(scenes),
        "sharp": {"least": min(x.score for x in sharp), "blurred": blurred, **_called(sharp)},
        "correlations": correlations(samples, 0),
        "defocus": defocus,
        "subject": subject,
    }


def _look(setup: Setup, image: np.ndarray) -> tuple[Inspection, dict[str, float]]:
    """A picture's inspection, and every measure of it; larger is sharper."""
    found = inspect_source(setup.inspector, image)
    weights = found.map.confidence * (found.map.confidence > KNOWN)
    own = {
        SCORE: float(found.score),
        LENGTH: -median(found.map.length, weights),
        RADIUS: -median(found.map.radius, weights),
    }
    return found, {**own, **baselines.measure(image)}


def _measures(setup: Setup, image: np.ndarray) -> dict[str, float]:
    return _look(setup, image)[1]


def _turn(found: Inspection, scene: Scene, kind: Kind) -> float | None:
    """The error of a photo's direction; None if it is not told."""
    if found.angle is None:
        return None
    return float(pictures.turn_between(found.angle, pictures.direction(scene.paths[kind])))


def _called(found: Sequence[Inspection]) -> dict[str, Any]:
    score = float(np.median([x.score for x in found]))
    return {"score": score, "called": Counter(x.kind for x in found)}


def _quartiles(values: Sequence[float]) -> dict[str, float]:
    low, middle, high = (float(q) for q in np.percentile(values, [25, 50, 75]))
    return {"low": low, "median": middle, "high": high}


def _median(values: Sequence[float] | np.ndarray) -> float | None:
    return float(np.median(values)) if len(values) else None
