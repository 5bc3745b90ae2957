"""Boxes of MP4 and MOV (ISO/IEC 14496-12) that FFmpeg reads past or does not write."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

_MOST = 2**28
"""Bytes of an index (`moov`) that is read whole; a day of video has less."""
_DESCRIPTION = ("mdia", "minf", "stbl", "stsd")
_SAMPLE_ENTRY = {"vide": 78, "soun": 20}
"""Bytes before the boxes in a sample entry, by the kind of its track."""
_KEPT_IN_ENTRY = (
    "st3d", "sv3d", "SA3D", "SAND", "vexu", "hfov", "clap", "mdcv", "clli", "cclv", "amve",
)  # fmt: skip
"""Stereo and spherical video and its sound (Google's spatial media, Apple's), the clean aperture,
the mastering display, light levels and ambience of HDR."""
_SECOND_VIEW = "lhvC"
"""Of a further view in layers of HEVC (MV-HEVC), which is not decoded."""
_WRITTEN_TAGS = ("meta", "name", "chpl", "loci", "Xtra")
"""Boxes of `udta` that FFmpeg reads as tags and chapters, and writes."""

_CREDENTIALS = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The identity of a box of content credentials (C2PA), which sign the frames as they are."""
_NAMES = {
    _CREDENTIALS: "content credentials (C2PA)",
    bytes.fromhex("be7acfcb97a942e89c71999491e3afac"): "XMP",
    bytes.fromhex("ffcc82638aa4 4a938814587a02521fdd"): "Google's 360-degree XML",
}


class Box(NamedTuple):
    kind: str
    body: bytes

    def __bytes__(self) -> bytes:
        return struct.pack(">I", 8 + len(self.body)) + self.kind.encode("latin-1") + self.body


def graft(source: BinaryIO, out: BinaryIO, tracks: dict[int, int]) -> None:
    """Add the source's boxes that describe its tracks and its film to a file that lacks them.

    Boxes of the sample entry (`_KEPT_IN_ENTRY`), `uuid` boxes of tracks (spherical video) and of
    the file (XMP, a camera's), and what cameras keep in `udta`. Nothing is done where one of the
    files is no MP4, or the index of the output does not end it.

    Args:
        out: open to read and write.
        tracks: number of a track in the source, from 0 -> that in the output.
    """
    old, new = index(source), index(out)
    if old is None or new is None or new.end != _size(out):
        return
    before, after = list(boxes(old.body)), list(boxes(new.body))
    had = [box for box in before if box.kind == "trak"]
    places = [place for place, box in enumerate(after) if box.kind == "trak"]
    for number, target in tracks.items():
        if number < len(had) and target < len(places):
            place = places[target]
            after[place] = _grafted_track(had[number], after[place])
    body = b"".join(map(bytes, _with_tags(before, after)))
    out.seek(new.start)
    out.write(bytes(Box("moov", body)))
    notes = (box for box in _notes(source) if not box.body.startswith(_CREDENTIALS))
    out.writelines(map(bytes, notes))
    out.truncate()


class Index(NamedTuple):
    start: int
    end: int
    body: bytes


def index(file: BinaryIO) -> Index | None:
    """The `moov` box of a file; None if it has none, or no sensible one."""
    for kind, start, head, end in _spans(file):
        if kind == "moov" and end - start <= _MOST:
            file.seek(start + head)
            return Index(start, end, file.read(end - start - head))
    return None


def _notes(file: BinaryIO) -> Iterator[Box]:
    """The `uuid` boxes beside the index."""
    for kind, start, head, end in list(_spans(file)):
        if kind == "uuid" and end - start <= _MOST:
            file.seek(start + head)
            yield Box(kind, file.read(end - start - head))


def boxes(body: bytes) -> Iterator[Box]:
    """The boxes of a body, up to the first that is none."""
    place = 0
    while place + 8 <= len(body):
        size, kind = struct.unpack_from(">I4s", body, place)
        head = 8
        if size == 1 and place + 16 <= len(body):
            (size,), head = struct.unpack_from(">Q", body, place + 8), 16
        size = size or len(body) - place
        if size < head or place + size > len(body):
            return
        yield Box(kind.decode("latin-1"), body[place + head : place + size])
        place += size


def extras(file: BinaryIO) -> set[str]:
    """The names of the boxes in a file that `graft` adds, and of those that it never does."""
    found = index(file)
    if found is None:
        return set()
    film = list(boxes(found.body))
    names = {box.kind for box in _camera_boxes(film)}
    for track in (box for box in film if box.kind == "trak"):
        names |= {box.kind for box in sample_entry(track)[1]} & {*_KEPT_IN_ENTRY, _SECOND_VIEW}
        names |= {_name(box) for box in boxes(track.body) if box.kind == "uuid"}
    return names | {_name(box) for box in (*film, *_notes(file)) if box.kind == "uuid"}


def _name(box: Box) -> str:
    """The name of a `uuid` box."""
    identity = box.body[:16]
    return _NAMES.get(identity, f"uuid {identity.hex()}")


def sample_entry(track: Box) -> tuple[str, list[Box]]:
    """The codec's name of a track's first sample entry, and the boxes in it."""
    found, kind = track, _handler(track)
    for name in _DESCRIPTION:
        found = next((b for b in boxes(found.body) if b.kind == name), Box("", b""))
    entry = next(boxes(found.body[8:]), None)
    if entry is None or kind not in _SAMPLE_ENTRY:
        return "", []
    return entry.kind, list(boxes(entry.body[_SAMPLE_ENTRY[kind] :]))


def _spans(file: BinaryIO) -> Iterator[tuple[str, int, int, int]]:
    """Kind, start, length of the head and end of each box of a file."""
    size, start = _size(file), 0
    while start + 8 <= size:
        file.seek(start)
        length, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if length == 1:
            (length,), head = struct.unpack(">Q", file.read(8).rjust(8, b"\0")), 16
        length = length or size - start
        if length < head or start + length > size or not kind.isascii():
            return
        yield kind.decode("latin-1"), start, head, start + length
        start += length


def _size(file: BinaryIO) -> int:
    return file.seek(0, 2)


def _grafted_track(had: Box, track: Box) -> Box:
    """A track with the boxes of another of the same kind."""
    kind = _handler(track)
    if _handler(had) != kind or kind not in _SAMPLE_ENTRY:
        return track
    _, wanted = sample_entry(had)
    _, there = sample_entry(track)
    names = {box.kind for box in there}
    if any(box.kind == _SECOND_VIEW for box in wanted):
        names.add("vexu")  # which would announce it
    more = [b for b in wanted if b.kind in _KEPT_IN_ENTRY and b.kind not in names]

    def entry_with_more(entries: bytes) -> bytes:
        first, *others = boxes(entries[8:])
        made = Box(first.kind, first.body + b"".join(map(bytes, more)))
        return entries[:8] + b"".join(map(bytes, (made, *others)))

    if more:
        track = _changed(track, _DESCRIPTION, entry_with_more)
    extra = b"".join(bytes(box) for box in boxes(had.body) if box.kind == "uuid")
    return Box(track.kind, track.body + extra)


def _changed(box: Box, way: tuple[str, ...], change: Callable[[bytes], bytes]) -> Box:
    """A box in which the body of the box at the end of a way is changed."""
    if not way:
        return Box(box.kind, change(box.body))
    inner = [_changed(b, way[1:], change) if b.kind == way[0] else b for b in boxes(box.body)]
    return Box(box.kind, b"".join(map(bytes, inner)))


def _handler(track: Box) -> str:
    media: Any = next((b for b in boxes(track.body) if b.kind == "mdia"), Box("", b""))
    handler = next((b for b in boxes(media.body) if b.kind == "hdlr"), Box("", b""))
    return handler.body[8:12].decode("latin-1")


def _with_tags(before: list[Box], after: list[Box]) -> list[Box]:
    """The output's `moov` with what the source's has beyond tags and tracks."""
    made = [box for outer in after if outer.kind == "udta" for box in boxes(outer.body)]
    kept = [box for box in _camera_boxes(before) if box.kind not in {b.kind for b in made}]
    others = [box for box in after if box.kind != "udta"]
    tags = [Box("udta", b"".join(map(bytes, (*made, *kept))))] if made or kept else []
    return [*others, *tags, *(box for box in before if box.kind == "uuid")]


def _camera_boxes(film: list[Box]) -> list[Box]:
    """The boxes of `udta` that FFmpeg does not read; names that begin with © are tags."""
    had = [box for outer in film if outer.kind == "udta" for box in boxes(outer.body)]
    return [b for b in had if b.kind not in _WRITTEN_TAGS and not b.kind.startswith("\xa9")]
