"""Opens a video, and reads its frames one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unblur.errors import DamagedError, Hint, VideoError
from unblur.photo.files import open_file
from unblur.video.alpha import decoder_of

VIDEOS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg",
    ".wmv", ".flv", ".3gp", ".ogv",
)  # fmt: skip
"""Endings that videos have."""

_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
_VIDEO_MARKS = (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"0&\xb2u", b"FLV\x01", b"OggS")
_PICTURE_MARKS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\x00", b"MM\x00*")


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
    context: Any = stream.codec_context
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
