"""The encoders and containers of the new video, and the choice among them."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unblur.errors import Hint, VideoError
from unblur.video.alpha import has_alpha
from unblur.video.colours import is_rgb, usual_matrix
from unblur.video.source import Facts

CONTAINERS = {
    ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".avi": "avi",
}  # fmt: skip
"""Endings that can be written, and FFmpeg's names of the containers."""


@dataclass(frozen=True)
class Encoder:
    """One of FFmpeg's encoders, with a quality at which no loss is visible."""

    library: str
    quality: int | None = None
    """The default; lower is better and larger. None: the encoder has no such setting."""
    worst: int = 0
    scale: str = "crf"
    """The kind of quality: "crf", or "q", the fixed quantiser of older encoders."""
    options: dict[str, str] = field(default_factory=dict)
    even: bool = False
    """Whether sides must be multiples of the steps at which colour is sampled."""
    interlaced: bool = False
    """Whether it encodes the two fields of a frame as such, and says so."""


ENCODERS = {
    "h264": Encoder("libx264", 16, 51, options={"preset": "medium"}, even=True, interlaced=True),
    "hevc": Encoder(
        "libx265", 17, 51, options={"preset": "medium", "x265-params": "log-level=none"}, even=True
    ),
    "vp9": Encoder(
        "libvpx-vp9", 16, 63, options={"deadline": "good", "cpu-used": "3", "row-mt": "1"}
    ),
    "av1": Encoder("libsvtav1", 16, 63, options={"preset": "6"}),
    "mpeg4": Encoder("mpeg4", 2, 31, "q", interlaced=True),
    "mjpeg": Encoder("mjpeg", 2, 31, "q"),
    "prores": Encoder("prores_ks", interlaced=True),
    "png": Encoder("png"),
    "qtrle": Encoder("qtrle"),
    "ffv1": Encoder("ffv1", options={"level": "3", "slicecrc": "1"}),
}
"""Codec name -> encoder."""

_FAMILIES = {
    "vp8": "vp9", "huffyuv": "ffv1", "ffvhuff": "ffv1", "utvideo": "ffv1", "rawvideo": "ffv1",
}  # fmt: skip
_FIELD_ORDERS = {1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}
"""FFmpeg's numbers of the order of fields, and its names."""
_WITH_ALPHA = {"mov": ("prores",), "matroska": ("ffv1", "vp9"), "webm": ("vp9",), "avi": ("ffv1",)}
"""Container -> codecs that hold alpha, the first the default where the input's own does not."""


@dataclass(frozen=True)
class Target:
    """Everything that determines the encoded stream, apart from the frames."""

    encoder: Encoder
    quality: int | None
    pixel_format: str
    container: str
    facts: Facts

    def create(self) -> Any:
        """An encoder, whose time base counts frames."""
        import av.codec.context
        import av.format

        os.environ.setdefault("SVT_LOG", "1")  # only errors: it writes to standard error itself
        context = av.CodecContext.create(self.encoder.library, "w")
        context.bit_rate = 0
        container = av.format.ContainerFormat(self.container, "w")
        if int(container.flags) & av.format.Flags.global_header.value:
            context.flags |= av.codec.context.Flags.global_header
        self.configure(context)
        return context

    def configure(self, context: Any) -> None:
        """Configure an encoder's context, before it is opened."""
        facts = self.facts
        context.width, context.height = facts.width, facts.height
        context.pix_fmt = self.pixel_format
        context.framerate, context.time_base = facts.rate, 1 / facts.rate
        if facts.sample_aspect:
            context.sample_aspect_ratio = facts.sample_aspect
        context.color_range = facts.color_range
        context.colorspace = facts.color_matrix
        context.color_primaries = facts.color_primaries
        context.color_trc = facts.color_transfer
        if self.container == "avi":
            context.max_b_frames = 0  # AVI keeps no times, so frames must be stored as shown
        options = dict(self.encoder.options)
        if self.encoder.scale == "crf" and self.quality is not None:
            options["crf"] = str(self.quality)
        elif self.quality is not None:
            # In units of FF_QP2LAMBDA.
            options |= {"flags": "+qscale", "global_quality": str(self.quality * 118)}
        if facts.interlaced and self.encoder.interlaced:
            options["flags"] = options.get("flags", "") + "+ildct+ilme"
            options["field_order"] = _FIELD_ORDERS.get(facts.field_order, "unknown")
        if self.encoder.library.startswith("libvpx") and has_alpha(self.pixel_format):
            options["auto-alt-ref"] = "0"  # its hidden frames would have no alpha
        if facts.chroma_location:
            options["chroma_sample_location"] = facts.chroma_location
        for name, value in facts.hdr.options(self.encoder.library).items():
            options[name] = ":".join(v for v in (options.get(name), value) if v)
        context.options.update(options)


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
        facts = replace(facts, color_matrix=usual_matrix(facts), color_range=2)
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
        target.create().open()
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
