"""Photos as files and as arrays: the metadata that is read is written back with new pixels."""

from __future__ import annotations

from unblur.photo.camera_raw import RAW_ENDINGS
from unblur.photo.capture import Taken, taken
from unblur.photo.display import displayed
from unblur.photo.files import atomic, check_free, copy, locked, save, scratch
from unblur.photo.folders import is_hidden, is_photo, listed, walk
from unblur.photo.formats import FORMATS, READABLE, format_of, kind_of
from unblur.photo.reading import MAX_PIXELS, Photo, read, read_size
from unblur.photo.transparency import fill_transparent
from unblur.photo.writing import check_holds, encode, lost, without, write

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "RAW_ENDINGS",
    "READABLE",
    "Photo",
    "Taken",
    "atomic",
    "check_free",
    "check_holds",
    "copy",
    "displayed",
    "encode",
    "fill_transparent",
    "format_of",
    "is_hidden",
    "is_photo",
    "kind_of",
    "listed",
    "locked",
    "lost",
    "read",
    "read_size",
    "save",
    "scratch",
    "taken",
    "walk",
    "without",
    "write",
]
