"""Reads a video: what it is, and its frames one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from unblur.errors import DamagedError, Hint, VideoError
from unblur.photo.files import open_file
from unblur.video.alpha import decoder_of, format_of, has_alpha, has_alpha_layer
from unblur.video.hdr_metadata import HdrMetadata, read_hdr_metadata
from unblur.video.matroska import stream_facts

VIDEOS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg",
    ".wmv", ".flv", ".3gp", ".ogv",
)  # fmt: skip
"""Endings that videos have."""

_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
_VIDEO_MARKS = (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"0&\xb2u", b"FLV\x01", b"OggS")
_PICTURE_MARKS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\x00", b"MM\x00*")
_FULL_RANGE = 2
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


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its first bytes or else its ending.

    GIF, animated WebP and AVIF are photos.
    """
    try:
        with path.open("rb") as file:
            head = file.read(32)
    except OSError:
        head = b""
    if head[4:8] == b"ftyp":
        return head[8:12] not in _PICTURE_BRANDS
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"WEBP"):
        return head[8:12] == b"AVI "
    if head.startswith(_VIDEO_MARKS):
        return True
    return path.suffix.lower() in VIDEOS and not head.startswith(_PICTURE_MARKS)


@contextmanager
def open_video(path: Path) -> Iterator[Any]:
    """Open a video in PyAV; raises VideoError if it is missing, unreadable, or PyAV is missing."""
    try:
        import av
        import av.error
    except ImportError:
        raise VideoError("is a video", hint=Hint("install", ("video",))) from None
    # By file object: FFmpeg takes names for addresses ("concat:a"), and not every name is text.
    with open_file(path, VideoError) as file:
        try:
            container = av.open(file, metadata_errors="surrogateescape", buffer_size=1 << 18)
        except (av.error.FFmpegError, OSError, ValueError):
            raise VideoError("is not a video that can be read") from None
        with container:
            yield container


def inspect(path: Path) -> Facts:
    """The facts of a video. Reads the whole file, without decoding it, to find truncation early.

    Raises:
        VideoError: as `open_video`, or if no video stream is in it, or it is truncated.
    """
    with open_video(path) as container:
        import av.error  # only here is it known to be installed

        stream = video_stream(container)
        try:
            count = _count(container, stream)
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(f"is damaged or truncated ({error.strerror})") from None
    with open_video(path) as container:
        stream = video_stream(container)
        first = first_frame(container)
        return _facts(stream, first, count)


def first_frame(container: Any) -> Any:
    """The first frame of the video; raises VideoError if there is none."""
    stream = video_stream(container)
    first = next(frames(container, stream.index, decoder_of(stream)), None)
    if first is None:
        raise VideoError("has no frame that can be decoded")
    return first


def frames(container: Any, index: int, decoder: str = "") -> Iterator[Any]:
    """Every frame of a stream in the order shown, with strictly increasing times.

    Args:
        decoder: the name of one of FFmpeg's; by default the usual one.

    Raises:
        DamagedError: naming the frame after which nothing can be decoded, or that has another size.
    """
    import av
    import av.error

    stream = container.streams[index]
    context = stream.codec_context
    if decoder:
        context = av.CodecContext.create(decoder, "r")
    context.thread_type = "AUTO"
    done, last, size = 0, None, None
    # AVI stores when packets are decoded; their frames come out in the same order.
    steps = deque[int]() if container.format.name == "avi" else None
    try:
        for packet in container.demux(stream):
            if steps is not None and packet.size:
                steps.append(packet.dts)
            # One of another decoder has no time base, and is told the end by None.
            for frame in context.decode(packet if packet.size else None):
                frame.time_base = stream.time_base
                size = size or (frame.width, frame.height)
                if (frame.width, frame.height) != size:
                    raise DamagedError(f"changes its size at frame {done + 1}; cut it there")
                time = frame.pts if frame.pts is not None else frame.dts
                time = steps.popleft() if steps else time
                if time is None:
                    raise DamagedError("has frames without a time; its container keeps none")
                # Two frames at one time cannot be written; the later one moves by one tick.
                frame.pts = last = time if last is None else max(time, last + 1)
                done += 1
                yield frame
    except (av.error.FFmpegError, OSError) as error:
        raise DamagedError(f"is damaged after frame {done} ({error.strerror})") from None


def video_stream(container: Any) -> Any:
    """The first video stream that is no cover; raises VideoError if none can be decoded."""
    from av.stream import Disposition

    still = Disposition.attached_pic | Disposition.still_image
    streams = [s for s in container.streams.video if not s.disposition & still]
    if not streams:
        raise VideoError("has no video in it (cover pictures aside)")
    if streams[0].codec_context is None or not streams[0].codec_context.pix_fmt:
        raise VideoError("holds a kind of video that cannot be decoded")
    return streams[0]


def _count(container: Any, stream: Any) -> int:
    """The number of video packets; raises VideoError if the file is shorter than it says."""
    count, ends, broken = 0, dict[int, float](), False
    known = any(name in container.format.name for name in _KNOWN_DURATION)
    for packet in container.demux():
        if packet.size and packet.pts is not None:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            ends[packet.stream_index] = max(end, ends.get(packet.stream_index, 0.0))
        if packet.size and packet.stream_index == stream.index:
            count += not packet.is_discard
        broken = broken or (known and packet.is_corrupt)
    end, said = max(ends.values(), default=0.0), 0.0
    if stream.duration is not None:
        end = ends.get(stream.index, 0.0)
        said = float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    elif container.duration is not None:
        said = (container.duration + (container.start_time or 0)) / _MICROSECONDS
    if broken or (known and end + 0.5 + 0.01 * said < said):
        raise VideoError(f"is truncated after frame {count}, at {end:.1f} of {said:.1f} seconds")
    return count


def _facts(stream: Any, frame: Any, count: int) -> Facts:
    context = stream.codec_context
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    matrix = frame.side_data.get("DISPLAYMATRIX")
    pixel_format, more = format_of(frame), stream_facts(stream)
    _refuse_unreadable(context, pixel_format, more)
    full = frame.format.name.startswith("yuvj")
    return Facts(
        index=stream.index,
        codec=context.codec.canonical_name,
        width=frame.width,
        height=frame.height,
        pixel_format=pixel_format,
        # MPEG-4 counts time in 16 bits.
        rate=1 / (1 / Fraction(rate)).limit_denominator(65535),
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
        field_order=int(context.field_order),
        chroma_location=more.get("chroma location", ""),
        counts_frames=stream.container.format.name == "avi",
        end=None if stream.duration is None else (stream.start_time or 0) + stream.duration,
        frames=count,
    )


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
