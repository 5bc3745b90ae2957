"""The encoders of the new video."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from unblur.video.alpha import has_alpha
from unblur.video.facts import Facts
from unblur.video.priority import kept_priority

_FIELD_ORDERS = {2: "tt", 3: "bb", 4: "tb", 5: "bt"}
"""FFmpeg's numbers of the order of fields, and its names."""
_BOTTOM_FIRST = (3, 5)


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


@dataclass(frozen=True)
class Target:
    """Everything that determines the encoded stream, apart from the frames."""

    encoder: Encoder
    quality: int | None
    pixel_format: str
    container: str
    facts: Facts

    def create(self) -> Any:
        """An open encoder, whose time base counts frames."""
        import av.codec.context
        import av.format

        os.environ.setdefault("SVT_LOG", "1")  # only errors: it writes to standard error itself
        context = av.CodecContext.create(self.encoder.library, "w")
        context.bit_rate = 0
        container = av.format.ContainerFormat(self.container, "w")
        if int(container.flags) & av.format.Flags.global_header.value:
            context.flags |= av.codec.context.Flags.global_header
        self.configure(context)
        with kept_priority():
            context.open()
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
        if facts.interlaced and self.encoder.interlaced and facts.field_order in _FIELD_ORDERS:
            options["flags"] = options.get("flags", "") + "+ildct+ilme"
            options["field_order"] = _FIELD_ORDERS[facts.field_order]
            if self.encoder.library == "libx264" and facts.field_order in _BOTTOM_FIRST:
                options["x264-params"] = "bff=1"  # it does not look at the field order
        if self.encoder.library.startswith("libvpx") and has_alpha(self.pixel_format):
            options["auto-alt-ref"] = "0"  # its hidden frames would have no alpha
        if facts.chroma_location:
            options["chroma_sample_location"] = facts.chroma_location
        for name, value in facts.hdr.options(self.encoder.library).items():
            options[name] = ":".join(v for v in (options.get(name), value) if v)
        context.options.update(options)
