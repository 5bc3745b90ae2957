"""Cameras' raw formats, which are recognised and refused."""

from __future__ import annotations

import re

from unblur.errors import UnknownFormatError

# fmt: off
RAW_ENDINGS = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos",
    ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf",
    ".srw", ".x3f",
})
# fmt: on
"""Their file name endings."""


MAGIC = re.compile(rb"(?s)II(?:RO|RS|U\0)|MMOR|FUJIFILMCCD-RAW|.{4}ftypcrx |.{8}CR\x02")
"""The beginnings of raw files that do not look like a TIFF."""


def refusal() -> UnknownFormatError:
    """The error for such a file."""
    return UnknownFormatError(
        "is a camera raw file; convert it to TIFF first, with darktable-cli, RawTherapee or"
        " dcraw_emu -T"
    )
