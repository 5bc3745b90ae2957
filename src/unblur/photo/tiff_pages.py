"""Which of a TIFF's directories is the photo, and which are smaller copies or masks of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from unblur.photo.tiff_tags import SUB_DIRECTORIES, Tags, header, number, numbers, read_directory

_NEW_SUBFILE, _SUBFILE, _PHOTOMETRIC = 254, 255, 262
_MASK = 4
# A photo with all its copies has a few dozen.
_MOST = 256


@dataclass(frozen=True)
class Pages:
    """The directories of a file.

    Attributes:
        photo: the index of the photo's, if one alone can be it; else None.
        offset: of the photo's, or of the first directory.
        first: of the first directory.
        others: what the others are, in a few words each.
        hidden: whether the photo is in a sub-directory, behind a smaller copy of it.
    """

    photo: int | None
    offset: int
    first: int
    others: tuple[str, ...] = ()
    hidden: bool = False


def pages(file: BinaryIO) -> Pages:
    """The directories of a TIFF file, as far as it is intact.

    NewSubfileType and SubfileType tell what each is (TIFF 6.0, section 8; its bit 0 and value 2:
    a reduced-resolution version of another image in the file; bit 2: a transparency mask).
    """
    found: list[tuple[int, Tags]] = []
    below: list[Tags] = []
    try:
        for offset, tags in _chain(file):
            found.append((offset, tags))
            below += _sub_directories(file, tags, _MOST - len(found) - len(below))
    except (struct.error, ValueError, OSError, OverflowError):
        pass
    if not found:
        return Pages(None, 0, 0)
    roles = [_role(tags) for _, tags in found]
    photos = [index for index, role in enumerate(roles) if role == "photo"]
    under = [_role(tags) for tags in below]
    first = found[0][0]
    if not photos:
        alone = 0 if len(found) == 1 else None
        return Pages(alone, first, first, hidden="photo" in under)
    others = _words([*roles[: photos[0]], *roles[photos[0] + 1 :]], under)
    photo = photos[0] if len(photos) == 1 else None
    return Pages(photo, found[photos[0]][0], first, others)


def _role(tags: Tags) -> Literal["photo", "copy", "mask"]:
    kind = number(tags, _NEW_SUBFILE)
    if kind & 4 or number(tags, _PHOTOMETRIC) == _MASK:
        return "mask"
    return "copy" if kind & 1 or number(tags, _SUBFILE) == 2 else "photo"


def _words(roles: list[str], under: list[str]) -> tuple[str, ...]:
    both = [*roles, *under]
    said = ["the thumbnail"] if both.count("copy") == 1 else []
    said += ["the smaller copies of it"] if both.count("copy") > 1 else []
    said += ["the mask"] if "mask" in both else []
    said += ["the further pictures in sub-directories"] if "photo" in under else []
    return tuple(said)


def _chain(file: BinaryIO) -> Iterator[tuple[int, Tags]]:
    """The offset of each directory, and of its tags those that tell what it is."""
    order, big, offset = header(file)
    seen: set[int] = set()
    while offset and offset not in seen and len(seen) < _MOST:
        seen.add(offset)
        yield offset, _directory(file, order, big, offset)
        offset = _next(file, order, big, offset)


def _sub_directories(file: BinaryIO, tags: Tags, most: int) -> list[Tags]:
    order, big, _ = header(file)
    offsets = numbers(tags, SUB_DIRECTORIES)[: max(most, 0)]
    return [_directory(file, order, big, at) for at in offsets]


def _directory(file: BinaryIO, order: str, big: bool, offset: int) -> Tags:
    wanted = {_NEW_SUBFILE, _SUBFILE, _PHOTOMETRIC, SUB_DIRECTORIES}
    return read_directory(file, order, big, offset, only=wanted)


def _next(file: BinaryIO, order: str, big: bool, offset: int) -> int:
    file.seek(offset)
    count = struct.unpack(order + ("Q" if big else "H"), file.read(8 if big else 2))[0]
    file.seek(offset + (8 + 20 * count if big else 2 + 12 * count))
    return struct.unpack(order + ("Q" if big else "I"), file.read(8 if big else 4))[0]
