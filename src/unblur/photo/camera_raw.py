"""Cameras' raw formats, which are recognised and refused."""

from __future__ import annotations

import os

from unblur.errors import UnknownFormatError

# fmt: off
RAW_ENDINGS = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos",
    ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf",
    ".srw", ".x3f",
})
# fmt: on
"""Their file name endings."""


def matches(head: bytes) -> bool:
    """Whether a file's first bytes are of a raw format that does not look like a TIFF."""
    return (
        head.startswith((b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW"))
        or head[4:12] == b"ftypcrx "
        or head[8:11] == b"CR\2"
    )


def has_ending(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in RAW_ENDINGS  # noqa: PTH122 - it may be no path


def refusal() -> UnknownFormatError:
    """The error for such a file."""
    return UnknownFormatError(
        "is a camera raw file; convert it to TIFF first, with darktable-cli, RawTherapee or"
        " dcraw_emu -T"
    )
