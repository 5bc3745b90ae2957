"""The models that a user has added: where they lie, and what is known of them."""

from __future__ import annotations

import json
import os
import re
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs

from unblur.errors import Hint, ModelError
from unblur.inference import catalogue
from unblur.inference.contract import digest_of
from unblur.inference.suffixes import SUFFIXES

VARIABLE = "UNBLUR_MODELS"
"""Environment variable that names another folder for the added models."""
FACTS = "model.json"
"""The file in a model's folder that says what the others there are."""
LONGEST = 64
"""Characters of a name."""


@dataclass(frozen=True)
class StoredFile:
    """A file of an added model, as it was when it was added."""

    file: str
    bytes: int
    sha256: str

    def fault(self, folder: Path) -> str:
        """What is wrong with its size in a folder; "" if nothing is."""
        try:
            found = (folder / self.file).stat().st_size
        except OSError:
            return f"{self.file} is missing"
        return "" if found == self.bytes else f"{self.file} has {found:,} bytes of {self.bytes:,}"


@dataclass(frozen=True)
class Added:
    """What `FACTS` says of a model.

    Attributes:
        name: its name, which is that of its folder.
        file, bytes, sha256: the network's file beside `FACTS`.
        source: what was added: a URL, or the path of a file.
        licence: as given by the user or the catalogue; "" if it is not known.
        parameters, gmac: as of `counting.count`; None where they cannot be counted.
        added: the time, in ISO 8601.
        data: files beside it that an ONNX file keeps its weights in.
    """

    name: str
    file: str
    source: str
    sha256: str
    bytes: int
    licence: str
    parameters: int | None
    gmac: float | None
    added: str
    data: tuple[StoredFile, ...] = ()

    @property
    def path(self) -> Path:
        """The network's file."""
        return home() / self.name / self.file

    @property
    def size(self) -> int:
        """Bytes of the network with its data."""
        return self.bytes + sum(data.bytes for data in self.data)

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """All that the network is made of."""
        return StoredFile(self.file, self.bytes, self.sha256), *self.data

    def fault(self) -> str:
        """What is wrong with the files' sizes; "" if nothing is."""
        return next(filter(None, (one.fault(self.path.parent) for one in self.files)), "")

    def check(self, digest: str) -> None:
        """Raises ModelError if a file is not the one that was added.

        Args:
            digest: SHA-256 of the network's file now.
        """
        sums = {self.file: digest}
        for one in self.files:
            found = sums.get(one.file) or digest_of(self.path.parent / one.file)
            if found != one.sha256:
                raise self.damaged(f"the checksum of {one.file} is wrong")

    def damaged(self, what: str) -> ModelError:
        """The error that says so, and how to add it again."""
        entry = catalogue.by_digest(self.sha256)
        again = entry.name if entry else shlex.quote(self.source)
        if again != self.name:
            again += f" --name {self.name}"
        reason = f"the added model {self.name} is damaged: {what}"
        return ModelError(reason, hint=Hint("add-again", (again,)))

    def to_json(self) -> str:
        """What `FACTS` holds."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Added:
        """Reads what `to_json` writes; ValueError or TypeError for anything else."""
        facts: dict[str, Any] = json.loads(text)
        if not isinstance(facts, dict):
            raise ValueError("an object was expected")
        facts["data"] = tuple(StoredFile(**one) for one in facts.get("data", ()))
        found = cls(**facts)
        for one in found.files:
            if not isinstance(one.file, str) or not isinstance(one.bytes, int):
                raise ValueError("a file and its bytes were expected")
            if Path(one.file).is_absolute() or ".." in Path(one.file).parts:
                raise ValueError(f"{one.file!r} is no file of the folder")
        return found


def home() -> Path:
    """The folder of the added models, which need not exist."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    return platformdirs.user_data_path("unblur", appauthor=False) / "models"


def is_name(text: str) -> bool:
    """Whether a model may be called so: letters, digits, ".", "_" and "-".

    It begins with a letter or a digit, and ends neither with a dot nor as a network's file does.
    """
    fits = re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9_-])?", text)
    windows = re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", text.lower())
    ending = Path(text).suffix.lower()
    return bool(fits) and not windows and ending not in SUFFIXES and len(text) <= LONGEST


def names() -> list[str]:
    """Names of the added models, sorted; of damaged ones too."""
    try:
        return sorted(one.name for one in home().iterdir() if is_name(one.name) and one.is_dir())
    except OSError:
        return []


def read(name: str) -> Added:
    """What is known of an added model.

    Raises:
        ModelError: if there is none of this name, or it cannot be told what it is.
    """
    try:
        found = Added.from_json((home() / name / FACTS).read_text(encoding="utf-8"))
        if found.name == name:
            return found
        what = f"{FACTS} is that of {found.name}"
    except FileNotFoundError:
        what = f"{FACTS} is missing"
    except (OSError, ValueError, TypeError) as error:
        what = f"{FACTS} cannot be read ({str(error).strip().splitlines()[0]})"
    reason = f"the added model {name} is damaged: {what}"
    raise ModelError(reason, hint=Hint("remove", (name,)))


def find(name: str) -> Path | None:
    """The file of an added model; None if there is none of this name.

    Raises:
        ModelError: if its files are missing or have not the size that they had.
    """
    if not is_name(name) or not (home() / name).is_dir():
        return None
    found = read(name)
    if fault := found.fault():
        raise found.damaged(fault)
    return found.path


def owner(path: Path) -> Added | None:
    """The added model that a file is the network of; None if it is of none."""
    folder = path.absolute().parent
    if folder.parent != home().absolute() or not is_name(folder.name):
        return None
    found = read(folder.name)
    return found if found.file == path.name else None
