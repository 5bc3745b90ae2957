"""What a video is: the facts that its encoder and its container are told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from unblur.errors import VideoError
from unblur.video.alpha import decoder_of, format_of, has_alpha, has_alpha_layer
from unblur.video.hdr_metadata import HdrMetadata, read_hdr_metadata
from unblur.video.matroska import stream_facts
from unblur.video.side_data import side_data
from unblur.video.source import first_frame, open_video, video_stream

_FULL_RANGE = 2
_LOWER_FIRST = 3
_MICROSECONDS = 1_000_000
_KNOWN_DURATION = ("mp4", "matroska", "avi")
"""Containers whose header says how long they are; for others FFmpeg guesses."""


@dataclass(frozen=True)
class Facts:
    """The properties of a video that its encoder and its container are told."""

    index: int
    """Of the stream among all of the file."""
    codec: str
    width: int
    height: int
    pixel_format: str
    rate: Fraction
    """Frames a second, on average."""
    time_base: Fraction
    sample_aspect: Fraction | None
    color_range: int
    """1 limited, 2 full, 0 unknown; this and the next three are FFmpeg's numbers."""
    color_matrix: int
    color_primaries: int
    color_transfer: int
    rotation: tuple[int, ...] | None
    """The display matrix, nine numbers."""
    hdr: HdrMetadata
    decoder: str
    """The name of the decoder, if it is not the usual one (`alpha.decoder_of`)."""
    interlaced: bool
    field_order: int
    """FFmpeg's number; 0 unknown, 1 progressive."""
    chroma_location: str
    """FFmpeg's name of where colour is sampled; "" if unknown."""
    counts_frames: bool
    """Whether the container is AVI, which stores when frames are decoded, not when shown."""
    end: int | None
    """Of the last frame, in units of the time base; None if the file does not say."""
    frames: int
    """The number of packets; a few of them may not be shown."""
    tick: Fraction
    """Seconds, of which all times of packets are multiples; 0 if they have none."""


def inspect(path: Path) -> Facts:
    """The facts of a video. Reads the whole file, without decoding it, to find truncation early.

    Raises:
        VideoError: as `open_video`, or if no video stream is in it, or it is truncated.
    """
    with open_video(path) as container:
        import av.error  # only here is it known to be installed

        stream = video_stream(container)
        try:
            counted = _count(container, stream)
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(f"is damaged or truncated ({error.strerror})") from None
    with open_video(path) as container:
        stream = video_stream(container)
        first = first_frame(container)
        return _facts(stream, first, *counted)


def _count(container: Any, stream: Any) -> tuple[int, Fraction]:
    """The number of video packets, and the `Facts.tick` of their times.

    Raises:
        VideoError: if the file is shorter than it says.
    """
    count, ends, broken, tick = 0, dict[int, float](), False, 0
    known = any(name in container.format.name for name in _KNOWN_DURATION)
    for packet in container.demux():
        if packet.size and packet.pts is not None:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            ends[packet.stream_index] = max(end, ends.get(packet.stream_index, 0.0))
        if packet.size and packet.stream_index == stream.index:
            count += not packet.is_discard
            tick = math.gcd(tick, packet.pts or 0)
        broken = broken or (known and packet.is_corrupt)
    end, said = max(ends.values(), default=0.0), 0.0
    if stream.duration is not None:
        end = ends.get(stream.index, 0.0)
        said = float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    elif container.duration is not None:
        said = (container.duration + (container.start_time or 0)) / _MICROSECONDS
    if broken or (known and end + 0.5 + 0.01 * said < said):
        raise VideoError(f"is truncated after frame {count}, at {end:.1f} of {said:.1f} seconds")
    return count, tick * stream.time_base


def _facts(stream: Any, frame: Any, count: int, tick: Fraction) -> Facts:
    context = stream.codec_context
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    matrix = side_data(frame).get("DISPLAYMATRIX")
    pixel_format, more = format_of(frame), stream_facts(stream)
    _refuse_unreadable(context, pixel_format, more)
    full = frame.format.name.startswith("yuvj")
    return Facts(
        index=stream.index,
        codec=context.codec.canonical_name,
        width=frame.width,
        height=frame.height,
        pixel_format=pixel_format,
        rate=_rate(rate),
        time_base=stream.time_base,
        sample_aspect=stream.sample_aspect_ratio or None,
        color_range=_FULL_RANGE if full else int(frame.color_range or context.color_range),
        color_matrix=int(frame.colorspace),
        color_primaries=int(frame.color_primaries),
        color_transfer=int(frame.color_trc),
        rotation=None if matrix is None else tuple(np.frombuffer(matrix, np.int32).tolist()),
        hdr=read_hdr_metadata(frame),
        decoder=decoder_of(stream),
        interlaced=bool(frame.interlaced_frame),
        # DV has the lower field first (IEC 61834-2), which FFmpeg says of its frames alone.
        field_order=_LOWER_FIRST if context.name == "dvvideo" else int(context.field_order),
        chroma_location=more.get("chroma location", ""),
        counts_frames=stream.container.format.name == "avi",
        end=None if stream.duration is None else (stream.start_time or 0) + stream.duration,
        frames=count,
        tick=tick,
    )


def _rate(said: Fraction) -> Fraction:
    """A rate as MPEG-4 can say it, which counts time in 16 bits; of a damaged file the most."""
    return 1 / ((1 / Fraction(said)).limit_denominator(65535) or Fraction(1, 65535))


def _refuse_unreadable(context: Any, pixel_format: str, facts: dict[str, Any]) -> None:
    """Raise VideoError for pictures of which the decoder shows but a part, or in false colours."""
    layered = context.name == "hevc" and has_alpha_layer(bytes(context.extradata or b""))
    if layered and not has_alpha(pixel_format):
        what = "has transparency in a layer of HEVC that cannot be decoded"
        raise VideoError(f"{what}; convert it to ProRes 4444 first")
    dolby = facts.get("Dolby Vision", b"")
    # ETSI GS CCM 001, 3.2: without a signal that other displays understand.
    if len(dolby) > 4 and dolby[4] >> 4 == 0 and dolby[2] >> 1 == 5:
        what = "is Dolby Vision of profile 5, whose colours mean nothing without its metadata"
        raise VideoError(f"{what}; convert it to HDR10 first")
