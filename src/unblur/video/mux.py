"""Muxes the segments and the input's other streams into one file, without encoding again."""

from __future__ import annotations

import heapq
import io
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, BinaryIO

from unblur.errors import VideoError
from unblur.video.boxes import graft
from unblur.video.encoders import Target
from unblur.video.priority import kept_priority
from unblur.video.segments import Segments, Stored
from unblur.video.source import open_video
from unblur.video.tags import KNOWN_TAGS, copied_tags, own_tags

QUICKTIME = ("mp4", "mov")
_EMPTY_TITLE = 2


def check_streams(path: Path, target: Target, warn: Callable[[str], None]) -> set[int]:
    """Find the streams that the output cannot keep, by writing its header to memory.

    Returns:
        The indices of the streams to leave out: those that the muxer makes itself, and those of an
        unknown codec that the container does not take; `warn` is called for each of the latter.

    Raises:
        VideoError: if sound, subtitles or pictures cannot be kept in the container.
    """
    with open_video(path) as source:
        made = {s.index for s in source.streams if _is_made_anew(s, source)}
        optional = {s.index for s in source.streams if s.codec_context is None} - made
        left_out, reason = made, _try(source, path, target, made)
        if reason:
            alone = {i: _try(source, path, target, made | optional - {i}) for i in optional}
            left_out = made | {index for index, reason in alone.items() if reason}
            reason = _try(source, path, target, left_out)
        if reason:
            raise VideoError(f"has streams that {target.container} cannot keep ({reason})")
        for index in sorted(left_out - made):
            kind = source.streams[index].type
            warn(f"stream {index} ({kind}) cannot be kept in {target.container} and is left out")
    return left_out


def mux(
    path: Path, target: Target, segments: Segments, count: int, left_out: set[int], file: BinaryIO
) -> None:
    """Write `count` segments, and the packets of the input's other streams but `left_out`.

    Raises:
        VideoError: if the container cannot be written.
        OSError: if the file cannot be written.
    """
    import av.error

    times = [stored.time for stored in segments.read(count)]
    try:
        write_streams(path, target, times, segments.read(count), left_out, file)
    except av.error.FFmpegError as error:
        raise VideoError(f"cannot be written ({error.strerror})", file=segments.out) from None


def write_streams(
    path: Path,
    target: Target,
    times: list[int],
    frames: Iterable[Stored],
    left_out: set[int],
    file: BinaryIO,
    first: int | None = None,
) -> None:
    """Write encoded frames, and the input's other streams but `left_out`.

    Args:
        times: those of the frames.
        file: open to read and write.
        first: write of each other stream only its first packet, if that is among so many first ones
            of the file; by default all are written.

    Raises:
        FFmpegError: if the container cannot be written.
        OSError: if the file cannot be written.
    """
    ends = dict(pairwise(sorted(times)))
    if target.facts.end is not None and target.facts.end > max(times):
        ends[max(times)] = target.facts.end

    def packet_of(stored: Stored, decoded: int) -> Any:
        packet = stored.packet()
        packet.time_base = target.facts.time_base
        packet.pts, packet.dts = stored.time, decoded
        # The decoder's durations are those between packets, which are in another order.
        packet.duration = ends.get(stored.time, stored.time + stored.duration) - stored.time
        packet.stream = new
        return packet

    with open_video(path) as source, _writer(file, target, _options(source, target)) as out:
        streams = _prepare(out, source, path, target, left_out)
        tracks = _tracks(source, left_out)
        new = streams.pop(target.facts.index)
        video = map(packet_of, frames, decoding_times(times))
        copied = _copied(source, streams, first)
        _start(out)
        for packet in heapq.merge(video, copied, key=_seconds):
            out.mux(packet)
    if target.container in QUICKTIME:
        with path.open("rb") as original:
            graft(original, file, tracks)


def _tracks(source: Any, left_out: set[int]) -> dict[int, int]:
    """Numbers of the tracks in an MP4 -> in the output; cover pictures are none."""
    from av.stream import Disposition

    kept = [s.index for s in source.streams if s.index not in left_out]
    covers = {s.index for s in source.streams if s.disposition & Disposition.attached_pic}
    return {index: number for number, index in enumerate(i for i in kept if i not in covers)}


def decoding_times(times: list[int]) -> list[int]:
    """The decoding time of each packet, from the presentation times in decoding order.

    The sorted presentation times, delayed by the largest number of frames by which a packet
    precedes its turn: strictly increasing, never later than the presentation.
    """
    ordered = sorted(times)
    rank = {time: index for index, time in enumerate(ordered)}
    delay = max((index - rank[time] for index, time in enumerate(times)), default=0)
    before = [time - ordered[delay] + ordered[0] for time in ordered[:delay]]
    return before + ordered[: len(ordered) - delay]


def _try(source: Any, path: Path, target: Target, left_out: set[int]) -> str:
    """The reason why the header cannot be written; "" if it can."""
    import av.error

    try:
        with _writer(io.BytesIO(), target, {}) as out:
            _prepare(out, source, path, target, left_out)
            _start(out)
            with suppress(av.error.FFmpegError):
                out.close()  # some containers cannot end without a frame
    except (av.error.FFmpegError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return ""


def _start(out: Any) -> None:
    """Opens the encoders and writes the header."""
    with kept_priority():
        out.start_encoding()


def _writer(file: Any, target: Target, options: dict[str, str]) -> Any:
    import av

    return av.open(
        file,
        "w",
        format=target.container,
        container_options=options,
        metadata_errors="surrogateescape",
        buffer_size=1 << 18,
    )


def _copied(source: Any, streams: dict[int, Any], first: int | None) -> Iterator[Any]:
    """The packets of the chosen streams of the input, each assigned to its stream of the output."""
    chosen = [source.streams[index] for index in streams]
    packets = source.demux(*chosen) if chosen else ()
    for packet in packets if first is None else _first_of_each(source, set(streams), first):
        # MP4's muxer fills the gaps between subtitles itself.
        filler = packet.stream.type == "subtitle" and packet.stream.name == "mov_text"
        if packet.size > (_EMPTY_TITLE if filler else 0):
            packet.stream = streams[packet.stream_index]
            yield packet


def _first_of_each(source: Any, wanted: set[int], most: int) -> Iterator[Any]:
    """The first packet with data of each stream that is wanted, if among the file's first `most`.

    Not looked for further: the first title of a film may come at its end.
    """
    for packet in islice(source.demux(), most):
        if packet.stream_index in wanted and packet.size > _EMPTY_TITLE:
            wanted = wanted - {packet.stream_index}
            yield packet


def _prepare(
    out: Any, source: Any, path: Path, target: Target, left_out: set[int]
) -> dict[int, Any]:
    """Add the input's streams to the output; those with packets, by the input's index."""
    from av.stream import Disposition

    streams = {}
    for stream in source.streams:
        if stream.index in left_out:
            continue
        if stream.index == target.facts.index:
            streams[stream.index] = _add_video(out, stream, target)
        elif target.container == "matroska" and stream.disposition & Disposition.attached_pic:
            _attach(out, stream, path)
        else:
            new = out.add_stream_from_template(stream, opaque=True)
            new.metadata.update(copied_tags(stream, target.container))
            new.disposition = int(stream.disposition)
            streams[stream.index] = new
    out.metadata.update(source.metadata)
    out.set_chapters(source.chapters())
    return streams


def _attach(out: Any, stream: Any, path: Path) -> None:
    """Add a cover picture, which Matroska keeps as an attachment."""
    with open_video(path) as source:
        picture = bytes(next(source.demux(source.streams[stream.index])))
    kind = "png" if stream.name == "png" else "jpeg"
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    name = tags.get("filename", f"cover.{kind.replace('e', '')}")
    out.add_attachment(name, tags.get("mimetype", f"image/{kind}"), picture)


def _add_video(out: Any, stream: Any, target: Target) -> Any:
    new = out.add_stream(target.encoder.library, rate=target.facts.rate)
    target.configure(new.codec_context)
    new.time_base = stream.time_base
    if target.encoder.library == "libx265" and target.container in QUICKTIME:
        new.codec_context.codec_tag = "hvc1"  # the one that QuickTime plays
    if target.facts.rotation:
        new.set_display_matrix(target.facts.rotation)
    new.metadata.update(own_tags(stream, target.container))
    new.disposition = int(stream.disposition)
    return new


def _options(source: Any, target: Target) -> dict[str, str]:
    if target.container not in QUICKTIME:
        return {}
    options, base = dict[str, str](), target.facts.time_base
    if base.numerator == 1:
        options["video_track_timescale"] = str(base.denominator)
    tracks = [s for s in source.streams if s.type in ("video", "audio") and s.time_base]
    if any(s.start_time for s in tracks):
        # A track's start is stored in the file's own time base, by default a millisecond.
        scale = math.lcm(*(Fraction(s.time_base).denominator for s in tracks))
        options["movie_timescale"] = str(scale if scale < 2**31 else base.denominator)
    # One or the other: FFmpeg writes a cover only beside the well-known tags.
    covers = any(s.type == "video" and s.index != target.facts.index for s in source.streams)
    if not covers and set(source.metadata) - KNOWN_TAGS:
        options["movflags"] = "use_metadata_tags"
    return options


def _is_made_anew(stream: Any, source: Any) -> bool:
    """Whether the muxer writes this stream itself: chapter titles, the time code."""
    from av.stream import Discard

    chapters = stream.discard == Discard.all and bool(source.chapters())
    return stream.type == "data" and (chapters or "timecode" in stream.metadata)


def _seconds(packet: Any) -> Fraction:
    time = packet.dts if packet.dts is not None else packet.pts
    return Fraction(0) if time is None else time * packet.time_base
