"""Encoded segments of the new video on disk, from which a killed run resumes.

A segment is a file of packets: a header of fixed size with the frame's times, then the encoder's
bytes. No container would keep the times exactly.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from unblur.errors import VideoError
from unblur.photo.files import atomic, write_errors
from unblur.video.encoders import Target

FRAMES = 64
"""Frames of a segment, which begins with a key frame; up to so many are redone after a kill."""

_HEADER = struct.Struct("<qq?II")
_BESIDE: Any = "matroska_block_additional"


class Stored(NamedTuple):
    """An encoded frame; times in units of the input's time base."""

    time: int
    duration: int
    key: bool
    data: bytes
    beside: bytes = b""
    """What the container keeps beside the frame: the alpha of VP9."""

    def packet(self) -> Any:
        """As PyAV's packet, without times."""
        import av
        from av.packet import PacketSideData, packet_sidedata_type_from_literal

        packet = av.Packet(self.data)
        packet.is_keyframe = self.key
        if self.beside:
            kind = packet_sidedata_type_from_literal(_BESIDE)
            sizes: Any = kind, len(self.beside)  # which PyAV's stubs do not know
            more = PacketSideData(*sizes)
            more.update(self.beside)
            packet.set_sidedata(more)
        return packet


class Segments:
    """The hidden folder beside the output.

    Args:
        out: the file that the segments will become.
        manifest: everything that the segments depend on; those of another manifest are removed.

    Raises:
        VideoError: if the folder cannot be written to.
    """

    def __init__(self, out: Path, manifest: dict[str, Any]) -> None:
        self.out = out
        self.folder: Path = out.with_name(f".{out.name}.unblur")
        stored = self.folder / "manifest.json"
        text = json.dumps(manifest, indent=1, sort_keys=True).encode()
        with write_errors(out, VideoError):
            if not stored.is_file() or stored.read_bytes() != text:
                self.remove()
                out.parent.mkdir(parents=True, exist_ok=True)
                self.folder.mkdir(mode=0o700)  # the video may be private
                with atomic(stored) as file:
                    file.write(text)

    def has(self, index: int) -> bool:
        return self._path(index).is_file()

    def write(self, index: int, packets: Iterable[Stored]) -> None:
        """Write a segment, whole or not at all."""
        with write_errors(self.out, VideoError), atomic(self._path(index)) as file:
            for packet in packets:
                sizes = len(packet.data), len(packet.beside)
                file.write(_HEADER.pack(*packet[:3], *sizes) + packet.data + packet.beside)

    def read(self, count: int) -> Iterator[Stored]:
        """The packets of the first `count` segments, in decoding order."""
        for index in range(count):
            with self._path(index).open("rb") as file:
                while header := file.read(_HEADER.size):
                    time, duration, key, *sizes = _HEADER.unpack(header)
                    yield Stored(time, duration, key, *map(file.read, sizes))

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, index: int) -> Path:
        return self.folder / f"{index:06d}"


def encode(target: Target, frames: Iterable[Any]) -> Iterator[Stored]:
    """Encode frames as an independent segment; raises VideoError if the encoder refuses them."""
    import av.error

    times: list[tuple[int, int]] = []
    try:
        encoder = target.create()
        for number, frame in enumerate(frames):
            times.append((frame.pts, frame.duration))
            # The encoder counts frames: not every encoder takes the input's time base.
            frame.pts, frame.duration, frame.time_base = number, 1, encoder.time_base
            frame.pict_type = 0  # the encoder would take the decoder's as an order
            yield from _stored(encoder.encode(frame), times)
        yield from _stored(encoder.encode(None), times)
    except (av.error.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VideoError(f"cannot be encoded by {target.encoder.library} ({reason})") from None


def _stored(packets: Iterable[Any], times: list[tuple[int, int]]) -> Iterator[Stored]:
    for packet in packets:
        time, duration = times[packet.pts]
        beside = bytes(packet.get_sidedata(_BESIDE)) if packet.has_sidedata(_BESIDE) else b""
        yield Stored(time, duration, packet.is_keyframe, bytes(packet), beside)
