"""The choice of the new video's encoder, its pixels and its container."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from unblur.errors import Hint, VideoError
from unblur.video.alpha import has_alpha
from unblur.video.colours import is_rgb, usual_matrix
from unblur.video.encoders import ENCODERS, Target
from unblur.video.facts import Facts

CONTAINERS = {
    ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".avi": "avi",
}  # fmt: skip
"""Endings that can be written, and FFmpeg's names of the containers."""


_FAMILIES = {
    "vp8": "vp9", "huffyuv": "ffv1", "ffvhuff": "ffv1", "utvideo": "ffv1", "rawvideo": "ffv1",
}  # fmt: skip
_WITH_ALPHA = {"mov": ("prores",), "matroska": ("ffv1", "vp9"), "webm": ("vp9",), "avi": ("ffv1",)}
"""Container -> codecs that hold alpha, the first the default where the input's own does not."""
_WITH_BLOCKS = ("matroska", "webm")
"""Containers that keep more than one block a frame, as the alpha of VP9 is."""


def choose(facts: Facts, out: Path, codec: str = "auto", quality: int | None = None) -> Target:
    """The encoder of a name, or for "auto" of the input's own codec where it can be written.

    Raises:
        VideoError: if the container, the codec, their combination or the quality is unknown or
            not possible.
    """
    container = container_of(out)
    if container == "avi" and not facts.counts_frames:
        hint = Hint("format", ("mkv", "mp4"))
        raise VideoError("AVI keeps no times of frames", file=out, hint=hint)
    if codec not in ("auto", *ENCODERS):
        raise VideoError(f"no codec {codec!r}", hint=Hint("codec", ("auto", *ENCODERS)))
    alpha = has_alpha(facts.pixel_format)
    names = [codec]
    if codec == "auto":
        usual = ("vp9" if container == "webm" else "h264", "av1")
        own = _FAMILIES.get(facts.codec, facts.codec)
        names = [own, *(_WITH_ALPHA.get(container, ()) if alpha else usual)]
    usable = [n for n in names if n in ENCODERS and _can_write(n, container)]
    if alpha:
        if container not in _WITH_BLOCKS:
            usable = [n for n in usable if n != "vp9"]
        usable = [n for n in usable if _pixel_format(facts, n, container)]
        if not usable:
            raise _no_alpha(codec, container, out)
    if not usable:
        hint = _another(codec, container)
        raise VideoError(f"{codec} cannot be written to {out.suffix}", file=out, hint=hint)
    # Not every build of an encoder has more than 8 bits.
    depth = _properties(facts.pixel_format)[0]
    bits = [_properties(_pixel_format(facts, name, container))[0] for name in usable]
    name = usable[max(range(len(usable)), key=lambda i: min(bits[i], depth))]
    encoder = ENCODERS[name]
    if quality is not None and (encoder.quality is None or not 0 <= quality <= encoder.worst):
        allowed = f"0 to {encoder.worst}" if encoder.worst else "not to be set"
        raise VideoError(f"quality of {name} is {allowed}, not {quality}")
    quality = encoder.quality if quality is None else quality
    pixel_format = _pixel_format(facts, name, container)
    if is_rgb(facts.pixel_format) and not is_rgb(pixel_format):
        # ProRes and its containers have no place for the range, and mean the limited one.
        range_ = 1 if name == "prores" else 2
        facts = replace(facts, color_matrix=usual_matrix(facts), color_range=range_)
    target = Target(encoder, quality, pixel_format, container, facts)
    if not _opens(target):
        what = f"{facts.width}x{facts.height} pixels of {pixel_format} cannot be encoded as {name}"
        raise VideoError(what, hint=_another(name, container))
    return target


def container_of(out: Path) -> str:
    """The container of a file name's ending; raises VideoError if it is none of `CONTAINERS`."""
    if out.suffix.lower() in CONTAINERS:
        return CONTAINERS[out.suffix.lower()]
    hint = Hint("format", tuple(ending.removeprefix(".") for ending in CONTAINERS))
    raise VideoError("its ending is of no video that can be written", file=out, hint=hint)


def _another(name: str, container: str) -> Hint:
    """The codecs but one that a container takes."""
    return Hint("codec", tuple(n for n in ENCODERS if n != name and _can_write(n, container)))


def _can_write(name: str, container: str) -> bool:
    import av.error

    if container == "mov" and name in ("vp9", "av1"):
        return False  # FFmpeg writes them to MP4 alone, and says so only at the end
    try:
        with av.open(io.BytesIO(), "w", format=container) as file:
            file.add_stream(ENCODERS[name].library)
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def _no_alpha(codec: str, container: str, out: Path) -> VideoError:
    """The error where alpha cannot be kept: a picture that becomes opaque is another one."""
    holds = _WITH_ALPHA.get(container)
    if codec != "auto" and holds:
        return VideoError(f"has transparency, which {codec} cannot hold", hint=Hint("codec", holds))
    what = f"has transparency, which {out.suffix.removeprefix('.').upper()} cannot hold"
    return VideoError(what, hint=Hint("format", ("mov", "mkv", "webm")))


def _opens(target: Target) -> bool:
    import av.error

    try:
        target.create()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _pixel_format(facts: Facts, name: str, container: str) -> str:
    """The encoder's pixel format that loses least of the source's, then adds least.

    Of formats with alpha if the source has it; "" if none of them can be encoded.
    """
    import av
    from av.video.format import VideoFormat

    encoder, alpha = ENCODERS[name], has_alpha(facts.pixel_format)
    # yuvj is the deprecated way to say that the range is full; the stream says so itself.
    wanted = _properties(facts.pixel_format.replace("yuvj", "yuv"))

    def fits(name: str) -> bool:
        across, down = (64 // (side or 64) for side in _properties(name)[1:3])
        odd = encoder.even and (facts.width % across or facts.height % down)
        other = name.startswith(("yuvj", "nv")) or name.endswith("be")
        palette = VideoFormat(name, 64, 64).has_palette
        return not (odd or other or palette) and has_alpha(name) >= alpha

    def cost(name: str) -> tuple[int, ...]:
        added = [h - w for h, w in zip(_properties(name), wanted, strict=True)]
        return (*(max(0, -a) for a in added), *(max(0, a) for a in added))

    names = [f.name for f in av.Codec(encoder.library, "w").video_formats or []]
    best = sorted(filter(fits, names), key=cost)
    if alpha:
        # Not every encoder that lists such a format was built with it.
        trials = (Target(encoder, encoder.quality, name, container, facts) for name in best)
        return next((trial.pixel_format for trial in trials if _opens(trial)), "")
    return best[0]


def _properties(pixel_format: str) -> tuple[int, int, int, int, int]:
    """Bits, chroma samples across and down, whether RGB, alpha channels: more is better."""
    from av.video.format import VideoFormat

    kind = VideoFormat(pixel_format, 64, 64)
    if kind.has_palette:
        return 8, 64, 64, 1, 0
    colour = [c for c in kind.components if not c.is_alpha]
    grey = len(colour) == 1
    return (
        max(c.bits for c in colour),
        0 if grey else colour[1].width,
        0 if grey else colour[1].height,
        int(kind.is_rgb),
        len(kind.components) - len(colour),
    )
