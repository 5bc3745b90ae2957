"""The photos of a source, page by page: of a folder, a URL, or a list of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unblur import photo
from unblur.bulk.entries import Known, entries
from unblur.bulk.items import Item
from unblur.bulk.local import item
from unblur.bulk.store import Store, store_of
from unblur.errors import UnblurError
from unblur.photo.folders import Identity, identity
from unblur.video import VIDEOS

LISTS = (".txt", ".parquet")
"""Endings of files that list photos."""
_EXPECTED = "a folder, a URL of one, or a list (.txt, .parquet) was expected"


@dataclass(frozen=True, slots=True)
class Found:
    """A photo of a source.

    Attributes:
        place: under the source; of an entry of a list its own path. The result's place has the
            same folders.
        url: that `store_of` opens; of a local file its absolute path.
        size: in bytes; -1 if it is not known.
        version: see `Item.version`; "" if it was not looked up.
        reason: why it cannot be deblurred, to be read behind its place; "" if nothing is known.
    """

    place: str
    url: str
    size: int = -1
    version: str = ""
    reason: str = ""


class Listing:
    """An iterable of `Found`, read once; its counts are complete when it has ended.

    Attributes:
        is_list: whether the source is a list, whose entries may name a photo twice.
        videos: files that are videos, by their ending.
        others: files that are neither.
    """

    def __init__(self, source: str, apart: Store | None, known: Known | None) -> None:
        """Looks at the source; see `listed`."""
        self._apart, self._known = apart, known
        self.videos: int = 0
        self.others: int = 0
        self._root = Store(source)
        kind = self._root.check()
        ending = os.path.splitext(source)[1].lower()  # noqa: PTH122
        self.is_list: bool = kind == "file" and ending in LISTS
        if kind is None:
            raise UnblurError(f"{source}: does not exist, or is empty; {_EXPECTED}")
        if kind == "file" and not self.is_list:
            raise UnblurError(f"{source}: is a single file; {_EXPECTED}")

    def __iter__(self) -> Iterator[Found]:
        return self._listed() if self.is_list else self._folder(self._root)

    def _listed(self) -> Iterator[Found]:
        store, place = store_of(self._root.url)
        for entry in entries(store, place, self._known):
            if not entry.is_folder:
                yield _found(entry.place, entry.url, entry.item, entry.reason)
                continue
            for found in self._folder(Store(entry.url)):
                place = f"{entry.place}/{found.place}" if entry.place else found.place
                yield Found(place, found.url, found.size, found.version, found.reason)

    def _folder(self, root: Store) -> Iterator[Found]:
        return self._local(root) if root.is_local else self._remote(root)

    def _remote(self, root: Store) -> Iterator[Found]:
        inside = _inside(root, self._apart)
        for found in root.list():
            *folders, name = found.place.split("/")
            if inside is not None and found.place.startswith(inside):
                continue
            if any(part and photo.is_hidden(part) for part in folders) or photo.is_hidden(name):
                continue
            if self._is_photo(name):
                yield _found(found.place, root.at(found.place), found)

    def _local(self, root: Store) -> Iterator[Found]:
        for found in photo.walk(Path(root.url), _identities(self._apart)):
            place = found.place.replace(os.sep, "/")
            if found.kind == "unreadable":
                yield _found(place or found.path, found.path, None, found.reason)
            elif found.kind == "photo":
                try:
                    yield _found(place, found.path, item(place, Path(found.path).stat()))
                except OSError as error:
                    yield _found(place, found.path, None, f"cannot be read ({error.strerror})")
            else:
                self._is_photo(found.path)

    def _is_photo(self, name: str) -> bool:
        """Whether a file is a photo by its ending; counts it if not."""
        ending = os.path.splitext(name)[1].lower()  # noqa: PTH122 (fast: of millions)
        if ending in photo.READABLE:
            return True
        if ending in VIDEOS:
            self.videos += 1
        else:
            self.others += 1
        return False


def listed(source: str, apart: Store | None = None, known: Known | None = None) -> Listing:
    """The photos of a source, in the order of their names or of the list.

    In a local folder they are those of `photo.walk`; elsewhere they are known by their ending.

    Args:
        source: a folder, a URL, or a `.txt` or `.parquet` file of either kind that lists them.
        apart: a folder that is left out if it lies inside the source.
        known: of the entries of a list only those that it tells of are looked up for their
            version, as that takes a request each; by default all.

    Raises:
        UnblurError: if the source does not exist, cannot be reached, or is no folder or list; while
            it is iterated over, if it cannot be read further.
    """
    return Listing(source, apart, known)


def _found(place: str, url: str, found: Item | None, reason: str = "") -> Found:
    if not _is_text(place) or not _is_text(url):
        # The manifest holds text.
        place, url = (text.encode("utf-8", "replace").decode() for text in (place, url))
        return Found(place, url, reason="has a name that is no text in UTF-8; rename it")
    if found is None:
        return Found(place, url, reason=reason)
    return Found(place, url, found.size, found.version, reason)


def _is_text(name: str) -> bool:
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _inside(root: Store, apart: Store | None) -> str | None:
    """Where a folder lies in a root, with a slash at its end; None if it does not."""
    if apart is None or apart.protocol != root.protocol:
        return None
    above, below = root.path("").rstrip("/") + "/", apart.path("").rstrip("/") + "/"
    return below[len(above) :] if below.startswith(above) and below != above else None


def _identities(apart: Store | None) -> set[Identity]:
    if apart is None or not apart.is_local:
        return set()
    try:
        return {identity(apart.url)}
    except OSError:
        return set()
