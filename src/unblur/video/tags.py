"""The tags of streams and files, and which of them a container keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from unblur.video.alpha import MODE

KNOWN_TAGS = {
    "title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright",
    "grouping", "lyrics", "description", "synopsis", "show", "episode_id", "network", "keywords",
    "creation_time", "location", "timecode", "major_brand", "minor_version", "compatible_brands",
    "encoder", "encoding_tool",
}  # fmt: skip
"""The tags that MP4 and MOV keep without the option to keep all."""
_OF_THE_OLD_FRAMES = re.compile(
    rf"(encoder|duration|{MODE}|(bps|number_of_\w+|_statistics_\w+)(-\w+)?)$", re.IGNORECASE
)
"""Tags that say how a stream was encoded; mkvmerge's statistics among them."""


_TITLE = ("name", "title")
"""How FFmpeg reads the title of a track of MP4 and MOV, and the tag that it writes as such."""

BIBLIOGRAPHIC = {
    "bod": "tib", "ces": "cze", "cym": "wel", "deu": "ger", "ell": "gre", "eus": "baq",
    "fas": "per", "fra": "fre", "hye": "arm", "isl": "ice", "kat": "geo", "mkd": "mac",
    "mri": "mao", "msa": "may", "mya": "bur", "nld": "dut", "ron": "rum", "slk": "slo",
    "sqi": "alb", "zho": "chi",
}  # fmt: skip
"""The other code of a language that has two in ISO 639-2; FFmpeg's MOV knows this one alone."""


_OF_CONTAINERS = (
    "encoder", "duration", "handler_name", "vendor_id", "major_brand", "minor_version",
    "compatible_brands", "alpha_mode", "software", "timecode", "language", "encoding_tool",
    "reel_name", "isft",
)  # fmt: skip
"""Tags that are of a container's own form or of its writer, or are compared as something else."""


def own(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that are a user's, or a camera's, by names in lower case."""
    lower = {key.lower(): value for key, value in tags.items()}
    mine = {key: value for key, value in lower.items() if not _OF_THE_OLD_FRAMES.match(key)}
    return {key: value for key, value in mine.items() if not key.startswith(_OF_CONTAINERS)}


def lost_tags(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The names, in order, of tags that others lack or have otherwise."""
    other = {name: after.get(same) for name, same in (_TITLE, _TITLE[::-1])}
    return sorted(k for k in before if before[k] not in (after.get(k), other.get(k)))


def language_of(tags: Mapping[str, str]) -> str:
    """The language that tags name, by its bibliographic code; "" if none."""
    lower = {key.lower(): value for key, value in tags.items()}
    language = lower.get("language", "und").replace("und", "")
    return BIBLIOGRAPHIC.get(language, language)


def copied_tags(stream: Any, container: str) -> dict[str, str]:
    """The tags for a stream that is copied."""
    tags = dict(stream.metadata)
    name, title = _TITLE
    if name in tags and title not in tags:
        tags[title] = tags.pop(name)
    if container == "mov" and tags.get("language") in BIBLIOGRAPHIC:
        tags["language"] = BIBLIOGRAPHIC[tags["language"]]
    return tags


def own_tags(stream: Any, container: str) -> dict[str, str]:
    """The tags for the stream that is encoded anew."""
    tags = copied_tags(stream, container)
    return {key: value for key, value in tags.items() if not _OF_THE_OLD_FRAMES.match(key)}
