"""A video in, the same video out, sharp."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from unblur import __version__
from unblur.errors import DamagedError, VideoError
from unblur.photo.files import atomically
from unblur.video.codecs import Target, choose
from unblur.video.colours import Colours
from unblur.video.mux import check, join
from unblur.video.segments import FRAMES, Segments, cannot_be_written, encode
from unblur.video.source import frames, inspect, opened


def deblur_video(
    deblurrer: Callable[[np.ndarray, float], np.ndarray],
    path: Path,
    out: Path,
    strength: float = 1.0,
    overwrite: bool = False,
    codec: str = "auto",
    quality: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
    warn: Callable[[str], None] = lambda line: None,
    identity: str = "",
) -> None:
    """Deblurs every frame into a new file; sound, subtitles, times and tags are kept.

    A run that was killed goes on after its last finished segment: they are kept in a hidden
    folder beside the output until the video is whole.

    Args:
        deblurrer: takes and returns (h, w, 3) RGB of uint8, or uint16 for more than 8 bits.
        out: its ending names the container.
        codec: of `codecs.ENCODERS`, or "auto": the input's own where it can be written.
        quality: the encoder's own scale, lower is better; by default no loss is seen.
        report: called with the frames that are done, and of all.
        warn: called with a line for each stream that cannot be kept.
        identity: whatever else the result hangs on (the model): segments of another one are
            done again.

    Raises:
        VideoError: if it cannot be read or written; `out` is whole or is not there.
    """
    if not overwrite and out.exists():
        raise VideoError(f"{out} exists already; --overwrite replaces it")
    facts = inspect(path)
    target = choose(facts, out, codec, quality)
    colours = Colours(facts, target.pixel_format)
    left_out = check(path, target, warn)
    segments = Segments(out, _manifest(path, target, strength, identity))

    def sharpened(group: Iterable[tuple[int, Any]]) -> Iterator[Any]:
        for number, frame in group:
            before = colours.read(frame)
            yield colours.change(frame, before, deblurrer(before, strength))
            report(number + 1, max(number + 1, facts.frames))

    done = 0
    try:
        with opened(path) as container:
            numbered = enumerate(frames(container, facts.index))
            for index, group in groupby(numbered, key=lambda item: item[0] // FRAMES):
                if segments.has(index):
                    shown = index * FRAMES + sum(1 for _ in group)
                    report(shown, max(shown, facts.frames))
                else:
                    segments.write(index, encode(target, sharpened(group)))
                done = index + 1
    except DamagedError:
        segments.remove()
        raise
    with cannot_be_written(out), atomically(segments.folder / "joined") as temporary:
        join(path, target, segments, done, left_out, temporary)
    with cannot_be_written(out):
        (segments.folder / "joined").replace(out)
    segments.remove()


def _manifest(path: Path, target: Target, strength: float, identity: str) -> dict[str, Any]:
    """Everything that the segments hang on."""
    import av

    status = path.stat()
    return {
        "input": [status.st_size, status.st_mtime_ns],
        "target": repr(target),
        "strength": strength,
        "frames": FRAMES,
        "identity": identity,
        "versions": [__version__, av.__version__, repr(av.library_versions)],
    }
