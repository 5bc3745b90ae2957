"""Writes blurred and sharp pairs, made from sharp photos or a high-frame-rate video."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
import torch

from unblur import photo
from unblur.blur import draw, shoot
from unblur.blur.config import PRESETS, BlurConfig
from unblur.blur.frames import Frame, Skipped, average_frames
from unblur.datasets import find_data, read_rgb
from unblur.datasets.folders import pictures
from unblur.errors import DataError, PhotoError, VideoError
from unblur.video.source import frames, is_video, open_video, video_stream

MANIFEST = "manifest.jsonl"
OVERVIEW = "overview.jpg"
BLURRED_ALREADY = 0.6
"""Photos of a higher blur effect (Crete et al. 2007: 0 sharp, 1 blurred) are not used."""


@dataclass(frozen=True)
class Options:
    """How pairs are made."""

    seed: int = 0
    preset: str = "real"
    """Of `blur.config.PRESETS`, for photos; a video's blur is its own."""
    frames: bool = False
    """Whether a folder holds a video's consecutive frames, in the order of their names."""
    average: int | None = None
    """Consecutive frames to average, odd; by default 7 to 13 at random."""
    response: str | None = None
    """How to average frames, "signal" or "srgb"; by default the two in turn."""


@dataclass
class Report:
    """What `synthesize_pairs` did."""

    made: int = 0
    kept: int = 0
    """Pairs that an interrupted run with the same options had made."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Photos or frames of a video that were not used, and why."""


def synthesize_pairs(
    source: Path,
    out: Path,
    options: Options = Options(),
    count: int | None = None,
    advance: Callable[[int, int | None], None] = lambda done, total: None,
) -> Report:
    """Writes `out/blur/NAME.png` and `out/sharp/NAME.png`, a manifest and a contact sheet.

    A photo loses a margin on each side, into which the camera moves; a video's consecutive frames
    are averaged, and the middle one is the sharp image. The same arguments make the same files; an
    interrupted run is continued.

    Args:
        source: a folder of sharp photos, one photo, or a video.
        count: pairs to make; photos are used in turn. By default one a photo, or all of a video.
        advance: called after each pair with the number done and, where known, the total.

    Raises:
        DataError: if the source cannot be used, or `out` holds pairs of other options.
    """
    report = Report()
    settings = {"source": source.name, **asdict(options)}
    done = _read_manifest(out, settings)
    if options.frames or (not source.is_dir() and is_video(source)):
        total, pairs = count, _from_video(source, options, report)
    else:
        photos = _usable_photos(source, PRESETS[options.preset], report)
        total = count or len(photos)
        pairs = _from_photos(photos, total, options)
    for index, (name, path, make) in enumerate(pairs):
        if index == count:
            break
        if name in done:
            report.kept += 1
        else:
            blurred, sharp, facts = make()
            if not (out / MANIFEST).exists():
                _append(out, settings)
            _save(blurred, out / "blur" / f"{name}.png", path)
            _save(sharp, out / "sharp" / f"{name}.png", path)
            _append(out, {"name": name, **facts})
            report.made += 1
        advance(index + 1, total)
    if report.made + report.kept == 0:
        raise DataError(f"no pairs could be made; {_reasons(report)}", file=source)
    _draw_overview(out)
    return report


Made = tuple[Frame, Frame, dict[str, Any]]
Pairs = Iterator[tuple[str, Path, Callable[[], Made]]]
"""Of each pair its name, the file that it is made from, and a function that makes it."""


def _read_manifest(out: Path, settings: dict[str, Any]) -> set[str]:
    """The names of the pairs that an earlier run with the same settings has made."""
    path = out / MANIFEST
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines()
        # If the last line is incomplete, after a kill, its pair is made again.
        entries = [json.loads(line) for line in lines if line.endswith("}")]
        if not entries or entries[0] != settings:
            had = ", ".join(f"{k} {v}" for k, v in (entries[0] if entries else {}).items())
            raise DataError(f"has pairs of other settings ({had}); name another folder", file=out)
        entries[1:] = [entry for entry in entries[1:] if _is_there(out, entry["name"])]
        path.write_text("".join(json.dumps(e) + "\n" for e in entries), encoding="utf-8")
        return {e["name"] for e in entries[1:]}
    for side in ("blur", "sharp"):
        if (out / side).is_dir() and pictures(out / side):
            raise DataError(f"has images but no {MANIFEST} in it; name another folder", file=out)
    return set()


def _is_there(out: Path, name: str) -> bool:
    return all((out / side / f"{name}.png").is_file() for side in ("blur", "sharp"))


def _append(out: Path, entry: dict[str, Any]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (out / MANIFEST).open("a", encoding="utf-8") as manifest:
            manifest.write(json.dumps(entry) + "\n")
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror})", file=out) from None


def _usable_photos(source: Path, config: BlurConfig, report: Report) -> list[Path]:
    from skimage.measure import blur_effect

    paths = [source] if source.is_file() else find_data(source)[1]
    if not paths:
        raise DataError("a folder of sharp photos was expected, this is one of pairs", file=source)
    least = 2 * config.margin + 64
    usable = []
    for path in paths:
        try:
            image = read_rgb(path)
        except DataError as error:
            report.skipped[path.name] = str(error).removeprefix(f"{path}: ")
            continue
        if min(image.shape[:2]) < least:
            report.skipped[path.name] = f"is too small; {least} pixels a side are needed"
        elif np.asarray(blur_effect(image.mean(2) / 255)) > BLURRED_ALREADY:
            report.skipped[path.name] = "is blurred itself"
        else:
            usable.append(path)
    if not usable:
        raise DataError(f"no photo can be used; {_reasons(report)}", file=source)
    return usable


def _from_photos(paths: list[Path], total: int, options: Options) -> Pairs:
    for index in range(total):
        path = paths[index % len(paths)]
        yield f"{index:05d}-{path.stem}", path, partial(_blur_photo, path, index, options)


def _blur_photo(path: Path, index: int, options: Options) -> Made:
    image = torch.from_numpy(read_rgb(path).copy()).permute(2, 0, 1)[None]
    rng, config = np.random.default_rng([options.seed, index]), PRESETS[options.preset]
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    focal = torch.tensor([max(image.shape[2:]) * rng.uniform(0.7, 1.5)], dtype=torch.float32)
    drawn = draw(image.shape, torch.zeros(1, 2), focal, config, generator)
    shot = shoot(image, drawn, config.margin, generator, density=1.5)
    blurred, sharp = (
        (x[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        for x in (shot.blurred, shot.sharp)
    )
    facts = {"photo": path.name, "focal_pixels": round(float(focal), 1), **drawn.facts(0)}
    return blurred, sharp, facts


def _from_video(source: Path, options: Options, report: Report) -> Pairs:
    skipped, rng = Skipped(), np.random.default_rng(options.seed)
    frames = _frames_of_folder(source) if source.is_dir() else _frames_of_video(source)
    counts = (options.average,) if options.average else (7, 9, 11, 13)
    responses = (options.response,) if options.response else ("signal", "srgb")
    for blurred, sharp, info in average_frames(frames, rng, counts, responses, skipped):
        name = f"{source.stem}-{info['first_frame']:06d}-{info['frames']}"
        yield name, source, lambda made=(blurred, sharp, dict(info)): made
    if skipped.duplicates:
        report.skipped[f"{skipped.duplicates} frames"] = "are duplicates of the one before"
    if skipped.cuts:
        report.skipped[f"{skipped.cuts} cuts"] = "begin a new scene"


def _frames_of_folder(folder: Path) -> Iterator[Frame]:
    size = None
    for path in find_data(folder)[1]:
        frame = read_rgb(path)
        if size is not None and frame.shape != size:
            raise DataError("has another size than the frames before it", file=path)
        size = frame.shape
        yield frame


def _frames_of_video(path: Path) -> Iterator[Frame]:
    try:
        with open_video(path) as container:
            for frame in frames(container, video_stream(container).index):
                yield frame.to_ndarray(format="rgb24")
    except VideoError as error:
        raise DataError(f"{path}: {error}") from None


def _save(pixels: np.ndarray, path: Path, source: Path) -> None:
    image: Any = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    try:
        photo.save(image.pngsave_buffer(), path, overwrite=True, source=source)
    except PhotoError as error:
        raise DataError(str(error)) from None


def _draw_overview(out: Path, most: int = 24) -> None:
    """The first pairs, small, blurred beside sharp, three pairs a row."""
    names = [path.name for path in pictures(out / "blur")[:most]]
    thumbs: list[Any] = [
        # Not by name, which need not be text.
        pyvips.Image.thumbnail_buffer(
            (out / side / name).read_bytes(), 240, height=240, crop="centre"
        )
        for name in names
        for side in ("blur", "sharp")
    ]
    sheet: Any = pyvips.Image.arrayjoin(thumbs, across=6, shim=4, background=[255.0])
    shown = (out / "sharp" / name for name in names)
    private = min(shown, key=lambda path: path.stat().st_mode)
    photo.save(sheet.jpegsave_buffer(Q=88), out / OVERVIEW, overwrite=True, source=private)


def _reasons(report: Report) -> str:
    reasons = [f"{name} {why}" for name, why in report.skipped.items()]
    return "; ".join(reasons[:5]) or "it is too short"
