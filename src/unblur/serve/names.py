"""Names of photos' files: as clients give them, on the disk, and of results."""

from __future__ import annotations

from pathlib import PurePath

from unblur.photo import FORMATS, RAW_ENDINGS


def clean_name(name: str) -> str:
    """A file's name to be shown: without folders and unprintable characters, and not too long."""
    name = name.replace("\\", "/").rpartition("/")[2]
    name = "".join(letter for letter in name if letter.isprintable()).strip(" .")
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:100]}{dot}{ending[:10]}" if dot else name[:100] or "photo"


def stored_name(name: str | None) -> str:
    """The file's name on the disk: nothing of the client's name but a raw file's extension."""
    ending = PurePath(name or "").suffix.lower()
    # By their content, raw files look like TIFFs.
    return f"photo{ending}" if ending in RAW_ENDINGS else "photo"


def result_name(name: str | None, kind: str) -> str:
    """The name that `unblur deblur` gives a result: photo-deblurred.jpg for photo.jpg.

    Args:
        name: the photo's; without one, it is deblurred.jpg.
        kind: the result's format, one of the values of `photo.FORMATS`.
    """
    usual = next(end for end, of in FORMATS.items() if of == kind)
    if name is None:
        return f"deblurred{usual}"
    stem, dot, ending = name.rpartition(".")
    if not dot or FORMATS.get(f".{ending.lower()}") != kind:
        stem = stem if dot and len(ending) <= 5 else name
        return f"{stem}-deblurred{usual}"
    return f"{stem}-deblurred.{ending}"


def unused(name: str, names: set[str]) -> str:
    """The name, or "name (2).jpg" and so on, unlike all of `names` in any case; it is added."""
    stem, _, ending = name.rpartition(".")
    number = 1
    while name.lower() in names:
        number += 1
        name = f"{stem} ({number}).{ending}"
    names.add(name.lower())
    return name
