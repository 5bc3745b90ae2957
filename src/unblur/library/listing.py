"""What models there are: bundled, added, and those of the catalogue that are not added."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from unblur import __version__
from unblur.errors import ModelError
from unblur.inference import added, catalogue, contracts
from unblur.inference.contract import UNTILED, Contract
from unblur.inference.models import bundled_names, bundled_sums, find_model
from unblur.library.download import begun

Status = Literal["bundled", "added", "not added"]


@dataclass(frozen=True)
class Listed:
    """A model as it is listed; what is not known is None or "".

    Attributes:
        name: by which it is chosen, or added.
        status: where it is.
        bytes: of the network with its data.
        licence, sha256: of the file.
        parameters, gmac: as of `counting.count`.
        contract: what it requires of images.
        source: where it comes from.
        file: its file, if it is there.
        about: what it is, for one of the catalogue.
        damaged: what is wrong with it.
        begun: bytes of it that were downloaded before the download was broken off.
    """

    name: str
    status: Status
    bytes: int | None = None
    licence: str = ""
    parameters: int | None = None
    gmac: float | None = None
    contract: Contract | None = None
    source: str = ""
    sha256: str = ""
    file: Path | None = None
    about: str = ""
    damaged: str = ""
    begun: int = 0

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        facts = asdict(self)
        return facts | {"file": self.file and str(self.file)}


def models() -> list[Listed]:
    """All models. No network is loaded."""
    mine = [_added(name) for name in added.names()]
    there = {one.name for one in mine}
    others = [_entry(e) for e in catalogue.entries().values() if e.name not in there]
    return [*map(_bundled, bundled_names()), *mine, *others]


def in_words(contract: Contract) -> str:
    """A contract in a few words."""
    parts = [f"images {contract.low:g}..{contract.high:g}"]
    if contract.size:
        height, width = contract.size
        parts.append(f"of {width}x{height} alone")
    else:
        parts.append(f"multiples of {contract.multiple}")
        whole = contract.tile >= UNTILED
        parts.append("the whole picture at once" if whole else f"tiles of {contract.tile}")
    if contract.tile < UNTILED:
        parts.append(f"overlap {contract.overlap}")
        if contract.reach is not None:
            parts.append(f"reach {contract.reach}")
        elif contract.seam:
            parts.append(f"sees all of a picture (seams to {contract.seam:.1f} levels)")
        else:
            parts.append("reach not measured")
    return ", ".join(parts)


def _bundled(name: str) -> Listed:
    text = resources.files("unblur.library").joinpath("bundled.toml").read_text("utf-8")
    facts = tomllib.loads(text)[name]
    file = find_model(name)
    return Listed(
        name,
        "bundled",
        file.stat().st_size,
        facts["licence"],
        facts["parameters"],
        facts["gmac"],
        Contract(**facts["contract"]),
        f"unblur {__version__}",
        bundled_sums()[file.name],
        file,
    )


def _added(name: str) -> Listed:
    try:
        found = added.read(name)
    except ModelError as error:
        return Listed(name, "added", damaged=error.reason.rpartition("is damaged: ")[2])
    damaged = found.fault()
    try:
        contract = contracts.find(found.path, found.sha256)
    except ModelError as error:
        contract, damaged = None, damaged or str(error)
    return Listed(
        name,
        "added",
        found.size,
        found.licence,
        found.parameters,
        found.gmac,
        contract,
        found.source,
        found.sha256,
        found.path,
        damaged=damaged,
    )


def _entry(entry: catalogue.Entry) -> Listed:
    return Listed(
        entry.name,
        "not added",
        entry.bytes,
        entry.licence,
        source=entry.url,
        sha256=entry.sha256,
        about=entry.about,
        begun=begun(entry.url),
    )
