"""Where the contracts of networks that do not state theirs are kept, once found out."""

from __future__ import annotations

import json
import math
import secrets
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from unblur.errors import ModelError
from unblur.inference.contract import LEAST_SIZE, UNTILED, Contract

ENDING = ".contract.json"
"""Of the name of a file beside a network's, which holds its contract."""
VERSION = 1
"""Of the way in which contracts are found out; those of other versions are found out again."""


def find(path: Path, digest: str) -> Contract | None:
    """The contract kept for a network's file, beside it or in the user's cache; None if none is.

    One beside the file is taken as it is, also where it was written by hand, unless it names the
    digest of another file.

    Args:
        digest: SHA-256 of the file.

    Raises:
        ModelError: if there is one beside the file that cannot be read.
    """
    beside = beside_file(path)
    if beside.is_file():
        try:
            contract = _read(beside, digest, by_hand=True)
        except (OSError, ValueError, TypeError) as error:
            reason = f"not the contract of a network ({error}); correct it, or delete it"
            raise ModelError(reason, file=beside) from None
        if contract:
            return contract
    try:
        return _read(_cached(digest), digest)
    except (OSError, ValueError, TypeError):
        return None  # found out again


def keep(digest: str, contract: Contract, path: Path | None = None) -> None:
    """Keeps a contract in the user's cache, or beside the network's file.

    A cache that cannot be written is left as it is: the contract is found out again.

    Args:
        path: the network's file.

    Raises:
        OSError: if it cannot be written beside the file.
    """
    text = json.dumps({"version": VERSION, "sha256": digest, **asdict(contract)}, indent=1) + "\n"
    if path:
        _write(beside_file(path), text)
    else:
        with suppress(OSError):
            _write(_cached(digest), text)


def cache() -> Path:
    """The folder of the user's cache that holds contracts, which need not exist."""
    return user_cache_path("unblur", appauthor=False) / "contracts"


def beside_file(path: Path) -> Path:
    """The file beside a network's that holds its contract."""
    return path.with_name(path.name + ENDING)


def _cached(digest: str) -> Path:
    return cache() / f"{digest}.json"


def _read(path: Path, digest: str, by_hand: bool = False) -> Contract | None:
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(facts, dict):
        raise ValueError("an object was expected")
    version = facts.pop("version", VERSION)
    if facts.pop("sha256", digest if by_hand else None) != digest or version != VERSION:
        return None
    if size := facts.get("size"):
        height, width = size
        facts["size"] = (int(height), int(width))
    contract = Contract(**facts)
    _check(contract)
    return contract


_LEAST = {"multiple": 1, "smallest": 1, "tile": 1, "memory": 1, "overlap": 0, "output": 0}
"""Fields that are whole numbers, and the least that they may be."""


def _check(contract: Contract) -> None:
    """Raises ValueError or TypeError for a contract that no network can have."""
    numbers: dict[str, Any] = {name: getattr(contract, name) for name in _LEAST}
    if contract.reach is not None:
        numbers["reach"] = contract.reach
    if contract.size is not None:
        numbers["size"] = min(contract.size)
    for name, value in numbers.items():
        least = LEAST_SIZE if name == "size" else _LEAST.get(name, 0)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (whole and least <= value <= UNTILED):
            expected = f"a whole number from {least} to {UNTILED}"
            raise ValueError(f"{name} must be {expected}, not {value!r}")
    if contract.measures_blur or not isinstance(contract.change_mask, bool):
        raise ValueError("measures_blur must be false, and change_mask true or false")
    low, high, seam = contract.low, contract.high, contract.seam
    if not (-math.inf < low < high < math.inf and 0 <= seam < math.inf):
        raise ValueError("low must be less than high, and seam 0 or more")


def _write(path: Path, text: str) -> None:
    """Whole or not at all, as several processes may write it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        made.write_text(text, encoding="utf-8")
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
