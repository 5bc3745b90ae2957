"""Deblurs a video file: decodes, deblurs, encodes in segments, muxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from unblur import __version__
from unblur.errors import DamagedError, VideoError
from unblur.photo.files import atomic, check_free, followed, put, write_errors
from unblur.video.codecs import choose
from unblur.video.colours import Colours
from unblur.video.encoders import Target
from unblur.video.facts import inspect
from unblur.video.mux import check_streams, mux
from unblur.video.rehearsal import rehearse
from unblur.video.segments import FRAMES, Segments, encode
from unblur.video.source import frames, open_video


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
    """Deblur every frame into a new file; sound, subtitles, times and tags are kept.

    A killed run resumes after its last finished segment. Segments are kept in a hidden folder
    beside the output until the video is written.

    Args:
        deblurrer: takes and returns (h, w, 3) RGB of uint8, or uint16 for more than 8 bits.
        out: its ending names the container.
        codec: of `encoders.ENCODERS`, or "auto": the input's own where it can be written.
        quality: on the encoder's own scale, lower is better; by default no loss is visible.
        report: called with the number of frames that are done, and of all.
        warn: called, before the work, with a line for each stream or property that cannot be kept.
        identity: what else the result depends on (the model): segments of another identity are
            redone.

    Raises:
        VideoError: if it cannot be read or written; `out` is then as it was.
    """
    if not overwrite:
        check_free(out, VideoError)
    with write_errors(out, VideoError):
        out = followed(out)
    facts = inspect(path)
    target = choose(facts, out, codec, quality)
    colours = Colours(target.facts, target.pixel_format)
    left_out = check_streams(path, target, warn)
    rehearse(path, target, left_out, warn)
    segments = Segments(out, _manifest(path, target, strength, identity))

    def deblurred(frame: Any) -> Any:
        before = colours.read(frame)
        return colours.change(frame, before, deblurrer(before, strength))

    try:
        count = _encode(path, target, segments, deblurred, report)
    except DamagedError:
        segments.remove()
        raise
    with write_errors(out, VideoError):
        # In the folder of segments, so that a kill leaves nothing else to remove.
        muxed = segments.folder / "muxed"
        with atomic(muxed, path) as file:
            mux(path, target, segments, count, left_out, file)
        put(muxed, out)
    segments.remove()


def _encode(
    path: Path,
    target: Target,
    segments: Segments,
    deblurred: Callable[[Any], Any],
    report: Callable[[int, int], None],
) -> int:
    """Write the segments that are missing. Returns the number of all segments."""
    count = 0

    def done(number: int) -> None:
        report(number, max(number, target.facts.frames))

    def changed(group: Iterable[tuple[int, Any]]) -> Iterator[Any]:
        for number, frame in group:
            yield deblurred(frame)
            done(number + 1)

    with open_video(path) as container:
        numbered = enumerate(frames(container, target.facts.index, target.facts.decoder))
        for index, group in groupby(numbered, key=lambda item: item[0] // FRAMES):
            if segments.has(index):
                done(index * FRAMES + sum(1 for _ in group))
            else:
                segments.write(index, encode(target, changed(group)))
            count = index + 1
    return count


def _manifest(path: Path, target: Target, strength: float, identity: str) -> dict[str, Any]:
    """Everything that the segments depend on."""
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
