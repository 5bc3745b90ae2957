"""The tags of streams and files, and which of them a container keeps."""

from __future__ import annotations

import re
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


BIBLIOGRAPHIC = {
    "bod": "tib", "ces": "cze", "cym": "wel", "deu": "ger", "ell": "gre", "eus": "baq",
    "fas": "per", "fra": "fre", "hye": "arm", "isl": "ice", "kat": "geo", "mkd": "mac",
    "mri": "mao", "msa": "may", "mya": "bur", "nld": "dut", "ron": "rum", "slk": "slo",
    "sqi": "alb", "zho": "chi",
}  # fmt: skip
"""The other code of a language that has two in ISO 639-2; FFmpeg's MOV knows this one alone."""


def copied_tags(stream: Any, container: str) -> dict[str, str]:
    """The tags for a stream that is copied."""
    tags = dict(stream.metadata)
    if container == "mov" and tags.get("language") in BIBLIOGRAPHIC:
        tags["language"] = BIBLIOGRAPHIC[tags["language"]]
    return tags


def own_tags(stream: Any, container: str) -> dict[str, str]:
    """The tags for the stream that is encoded anew."""
    tags = copied_tags(stream, container)
    return {key: value for key, value in tags.items() if not _OF_THE_OLD_FRAMES.match(key)}
