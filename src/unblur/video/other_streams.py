"""What the streams beside the video say of themselves, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from unblur.video.tags import language_of, lost_tags, own

_DEFAULT = 1
"""FFmpeg's disposition of the stream that is played first: every file of MP4 has one of a kind."""


class OtherStream(NamedTuple):
    """A stream that is copied.

    Attributes:
        name: what it is called in a warning.
        kind: FFmpeg's kind, or "cover".
        facts: what it says, by words for it.
    """

    name: str
    kind: str
    facts: dict[str, Any]


def other_streams(container: Any, left_out: set[int]) -> list[OtherStream]:
    """The sound, subtitles, other videos and covers of a file.

    Args:
        left_out: indices of the streams that are not looked at.
    """
    from av.stream import Disposition

    found = []
    for stream in container.streams:
        if stream.index in left_out or stream.type not in ("video", "audio", "subtitle"):
            continue
        cover = bool(stream.disposition & Disposition.attached_pic)
        kind = "cover" if cover else stream.type
        facts = {} if cover else _facts(stream)
        found.append(OtherStream(f"stream {stream.index} ({kind})", kind, facts))
    return found


def lost_beside(before: list[OtherStream], after: list[OtherStream]) -> Iterator[str]:
    """In words, what the streams of a file say and those of another one do not.

    Those of a kind are compared if all of that kind are in both files.
    """
    for kind in ("video", "audio", "subtitle", "cover"):
        had, have = ([s for s in streams if s.kind == kind] for streams in (before, after))
        if len(had) == len(have):
            for old, new in zip(had, have, strict=True):
                missing = ", ".join(_lost(old.facts, new.facts))
                yield from [f"{old.name}: {missing}"] if missing else []
        elif kind == "cover":
            yield from (old.name for old in had[len(have) :])


def _facts(stream: Any) -> dict[str, Any]:
    layout = stream.layout.name if stream.type == "audio" else ""
    return {
        "its language": language_of(stream.metadata),
        "its dispositions": int(stream.disposition) & ~_DEFAULT,
        # FFmpeg's name where the order of the channels is not known, which says nothing.
        "its layout of channels": "" if layout.endswith("channels") else layout,
        "tags": own(stream.metadata),
    }


def _lost(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for name, value in before.items():
        if name == "tags":
            missing = lost_tags(value, after.get(name, {}))
            kept = not missing
            name = f"the tags {', '.join(missing)}"
        elif name == "its dispositions":
            kept = not value & ~after.get(name, 0)
        else:
            kept = not value or after.get(name) == value
        if not kept:
            yield name
