"""What a video's output will not have: found before the work, by writing its first frame."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from unblur.errors import VideoError
from unblur.video.alpha import decoder_of, format_of, has_alpha
from unblur.video.boxes import extras
from unblur.video.colours import Colours, is_rgb
from unblur.video.encoders import Target
from unblur.video.hdr_metadata import read_hdr_metadata
from unblur.video.matroska import stream_facts
from unblur.video.mux import write_streams
from unblur.video.other_streams import lost_beside, other_streams
from unblur.video.segments import Stored, encode
from unblur.video.side_data import side_data
from unblur.video.source import first_frame, open_video, video_stream
from unblur.video.tags import language_of, lost_tags, own

_SIDE_DATA = {
    "A53_CC": "closed captions in its frames",
    "AFD": "the active format (AFD)",
    "AMBIENT_VIEWING_ENVIRONMENT": "the ambience of its viewing environment",
    "DOVI_METADATA": "Dolby Vision",
    "DOVI_RPU_BUFFER": "Dolby Vision",
    "DYNAMIC_HDR_PLUS": "HDR10+ (light of each scene)",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
    "GOP_TIMECODE": "time codes in its frames",
    "ICC_PROFILE": "its ICC profile",
    "PANSCAN": "pan and scan",
    "S12M_TIMECODE": "time codes in its frames",
    "SPHERICAL": "its 360-degree projection",
    "STEREO3D": "its two views (stereo 3D)",
}
"""FFmpeg's names of data beside a frame, and words."""
_USER_DATA = "data of its camera or encoder in its frames (SEI)"
_ENCODERS = tuple(
    map(bytes.fromhex, ("dc45e9bde6d948b7962cd820d923eeef", "2ca2de09b51747dbbb55a4fe7fc2fc4e"))
)
"""How data of users begins (H.264, D.1.7) in which x264 and x265 keep their own settings."""
_VALUES = ("SPHERICAL", "STEREO3D")
"""Those of which the bytes are compared, not only whether they are there."""
_COLOURS = {"color_range": "range", "colorspace": "matrix", "color_primaries": "primaries",
            "color_trc": "transfer"}  # fmt: skip
_UNSET = (0, 2)
"""Primaries, transfer and matrix that say nothing (H.273): reserved, unspecified."""
_FIRST = 100
"""Packets of the file among which those of other streams are looked for."""
_NO_TURN = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def rehearse(path: Path, target: Target, left_out: set[int], warn: Callable[[str], None]) -> None:
    """Call `warn` with a line for each property of the video that the output will lack.

    The first frame is encoded, written with a packet of each other stream, and read again: whatever
    the encoder or the container drops shows.

    Raises:
        VideoError: if the frame cannot be encoded.
    """
    with open_video(path) as source:
        # Its units may be finer than needed.
        before = {**properties(source), "the exact times of its frames": target.facts.tick}
    with path.open("rb") as file:
        before["boxes"] = extras(file)
    with open_video(path) as source:
        frame = first_frame(source)
    nothing = np.empty(0)
    same = Colours(target.facts, target.pixel_format).change(frame, nothing, nothing)
    stored = list(encode(target, [same]))
    with open_video(path) as source:
        others = {stream.index for stream in source.streams} - {target.facts.index}
        beside = other_streams(source, left_out | {target.facts.index})
    # Some containers cannot be written without a packet of each stream.
    whole = _written(path, target, stored, left_out)
    after = whole or _written(path, target, stored, others)
    for what in lost(before, after) if after else ():
        warn(f"{what}: cannot be kept in {target.container} as {target.encoder.library}")
    for what in lost_beside(beside, whole["beside"]) if whole else ():
        warn(f"{what} cannot be kept in {target.container}")


def _written(
    path: Path, target: Target, stored: list[Stored], left_out: set[int]
) -> dict[str, Any]:
    """The properties of a file with these frames; {} if it cannot be written."""
    import av.error

    file = io.BytesIO()
    try:
        write_streams(path, target, [s.time for s in stored], stored, left_out, file, _FIRST)
        file.seek(0)
        with av.open(file, metadata_errors="surrogateescape") as written:
            main = {video_stream(written).index}
            beside = other_streams(written, main)
            return {**properties(written), "boxes": extras(file), "beside": beside}
    except (av.error.FFmpegError, OSError, VideoError):
        return {}


def lost(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """In words, what of the properties of a video another one lacks or has otherwise."""
    # Colours that were converted from RGB are of another matrix and range.
    converted = after.get("is RGB") != before.get("is RGB")
    found = []
    for name, value in before.items():
        now = after.get(name)
        if name == "tags":
            missing = lost_tags(value, now or {})
            found += [f"the tags {', '.join(missing)}"] if missing else []
            continue
        if name == "boxes":
            missing = value - now
            found += [f"the boxes {', '.join(sorted(missing))}"] if missing else []
            continue
        if name in ("its bits a channel", "its resolution of colour"):
            kept = now >= value
        elif name == "the exact times of its frames":
            # In units of the output they must be whole.
            kept = (value / (now or 1)).denominator == 1
        elif name == "its dispositions":
            kept = not value & ~(now or 0)
        elif name in ("its matrix of colours", "its range of colours"):
            kept = converted or now == value
        else:
            kept = name == "is RGB" or now == value
        found += [] if kept else [name]
    return found


def properties(container: Any) -> dict[str, Any]:
    """All that a video says of itself: its stream, its first frame and its file.

    What is not set, or says nothing, is not among them.
    """
    stream = video_stream(container)
    tags = {**container.metadata, **stream.metadata}
    tags = {k.lower(): v for k, v in tags.items()}
    chapters = [(c["start"] * c["time_base"], c["metadata"]) for c in container.chapters()]
    found: dict[str, Any] = {
        "its time code": tags.get("timecode"),
        "its language": language_of(tags),
        "its dispositions": int(stream.disposition),
        "chapters": chapters,
        "tags": own(tags),
        "the exact times of its frames": stream.time_base,
        "the shape of its pixels": _shape(stream),
        **_of_frame(first_frame(container), bool(decoder_of(stream))),
        **{f"its {name}": value for name, value in stream_facts(stream).items()},
    }
    if "its Dolby Vision" in found:
        found["Dolby Vision"] = bool(found.pop("its Dolby Vision"))
    return {name: value for name, value in found.items() if value not in (None, "", 0, [], {})}


def _shape(stream: Any) -> Any:
    aspect = stream.sample_aspect_ratio
    return None if not aspect or aspect == 1 else aspect


def _of_frame(frame: Any, alpha: bool) -> dict[str, Any]:
    kind = format_of(frame)
    parts = [c for c in frame.format.components if not c.is_alpha]
    rgb, side, hdr = is_rgb(kind), side_data(frame), read_hdr_metadata(frame)
    matrix = side.get("DISPLAYMATRIX")
    turn = None if matrix is None else tuple(np.frombuffer(matrix, np.int32).tolist())
    full = kind.startswith("yuvj") or rgb
    found: dict[str, Any] = {
        "is RGB": rgb,
        "its transparency": alpha or has_alpha(kind),
        "its bits a channel": max(c.bits for c in parts),
        "its resolution of colour": parts[-1].width * parts[-1].height,
        "its rotation": None if turn == _NO_TURN else turn,
        "its fields (it is interlaced)": bool(frame.interlaced_frame),
        "its mastering display": tuple(round(float(v), 3) for v in hdr.display),
        "its content light level": hdr.light,
    }
    for name, word in _COLOURS.items():
        value = int(getattr(frame, name))
        if name == "color_range":
            value = 2 if full else value or 1  # what says nothing means the limited one
        elif value in _UNSET:
            continue
        found[f"its {word} of colours"] = value
    for name, word in _SIDE_DATA.items():
        data = side.get(name)
        if data is not None and _says_something(name, bytes(data)):
            found[word] = bytes(data) if name in _VALUES else True
    # Several of one kind, of which the mapping has one.
    every = (side[number] for number in range(len(side)))
    users = [bytes(data) for data in every if data.type.name == "SEI_UNREGISTERED"]
    found[_USER_DATA] = any(not data.startswith(_ENCODERS) for data in users)
    return found


def _says_something(name: str, data: bytes) -> bool:
    """Whether data is more than what MPEG-2 has in every file."""
    if name == "PANSCAN":
        return any(data[12:24])  # the places of the window, after its number and size
    if name == "GOP_TIMECODE":
        marker = 1 << 12  # ISO/IEC 13818-2, 6.3.8: of 25 bits
        return bool(int.from_bytes(data, sys.byteorder) & ~marker)
    return True
