"""The folder of the added models: models appear in it, and go, whole."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from unblur.errors import Hint, ModelError, UnblurError
from unblur.inference import added
from unblur.inference.models import bundled_names
from unblur.photo.files import STRAY, scratch_folder

_STALE = 24 * 3600
"""Age, in seconds, of temporary folders that killed processes have left."""


@contextmanager
def staging() -> Iterator[Path]:
    """A temporary folder beside the models, for the time of the block.

    Raises:
        UnblurError: if there can be none.
    """
    home = added.home()
    with ExitStack() as stack:
        try:
            home.mkdir(parents=True, exist_ok=True)
            _sweep(home)
            folder = stack.enter_context(scratch_folder(home))
        except OSError as error:
            reason = f"the folder of models cannot be written ({error.strerror})"
            raise UnblurError(reason, file=home) from None
        yield folder


def check_name(name: str, overwrite: bool) -> None:
    """Raises ModelError if a model cannot be added by a name."""
    if not added.is_name(name):
        rule = f"1 to {added.LONGEST} letters (a to z), digits, '.', '_' and '-', no file's ending"
        raise ModelError(f"{name!r} is no name for a model: {rule}", hint=Hint("name"))
    if name in bundled_names():
        raise ModelError(f"{name} is a bundled model", hint=Hint("name"))
    if not overwrite and _exists(name):
        raise ModelError(f"a model {name} exists already", hint=Hint("overwrite"))


def put(made: Path, name: str, overwrite: bool) -> None:
    """Renames the folder of a model to its place.

    Args:
        made: the folder, in that of `staging`.

    Raises:
        ModelError: if there is one of the name, and it is not to be replaced.
    """
    place = added.home() / name
    # Once, unless others write this name at the same moment.
    for attempt in range(100):
        try:
            made.rename(place)
            return
        except OSError as error:
            taken = error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EACCES)
            if not taken or not _exists(name):
                raise
        check_name(name, overwrite)
        with suppress(FileNotFoundError):
            place.rename(made.with_name(f"before-{attempt}"))
    raise UnblurError(f"the model {name} is being added by others; try again")


def remove(name: str) -> None:
    """Removes an added model, also a damaged one.

    Raises:
        ModelError: if it is bundled, there is none, or it cannot be removed.
    """
    if name in bundled_names():
        raise ModelError(f"{name} is a bundled model, which is not removed")
    if not added.is_name(name) or not _exists(name):
        there = ", ".join(added.names()) or "none"
        raise ModelError(f"no added model {name!r} (added: {there})")
    with staging() as folder:
        try:
            (added.home() / name).rename(folder / name)
        except FileNotFoundError:
            return  # by another process
        except OSError as error:
            raise ModelError(f"{name} cannot be removed ({error.strerror})") from None


def _exists(name: str) -> bool:
    place = added.home() / name
    return place.exists() or place.is_symlink()


def _sweep(home: Path) -> None:
    for stray in home.glob(f"{STRAY}*"):
        with suppress(OSError):
            if time.time() - stray.stat().st_mtime > _STALE:
                shutil.rmtree(stray)
