"""What torchrun tells a process that it has started, and what it is told in return.

torchrun starts all processes of a run anew where one fails, as often as `--max-restarts` says.
Its variables are those of https://docs.pytorch.org/docs/stable/elastic/run.html.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import psutil


def launched() -> bool:
    """Whether torchrun has started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def ranks_here() -> int:
    """The number of ranks of this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE"])


def is_rank_zero() -> bool:
    """Whether this process prints and writes for all."""
    return os.environ["RANK"] == "0"


def silent_end() -> int:
    """The exit code of another rank, where rank zero says why all end and fails.

    Beside rank zero it is 0: torchrun ends all of a machine with the first that fails, and rank
    zero may not have spoken yet. On other machines it is 1, that torchrun fails there too.
    """
    return 0 if os.environ["GROUP_RANK"] == "0" else 1


def shares_store() -> bool:
    """Whether its ranks shall meet in a store of torchrun's own."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def stores() -> list[tuple[str, int]]:
    """The host and port of torchrun's store, and of those that it has named to this machine before.

    A machine that was in a run before may still be told the store of then.
    """
    found = {f"store {os.environ['MASTER_ADDR']} {os.environ['MASTER_PORT']}"}
    if folder := _notes():
        with suppress(OSError):
            (folder / found.copy().pop()).touch()
            found |= {path.name for path in folder.glob("store *")}
    return [(name.split()[1], int(name.split()[2])) for name in sorted(found)]


def give_up(reason: str) -> None:
    """Tells torchrun why this process fails, and that it would fail again for the same reason."""
    if file := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        found = {"message": reason, "timestamp": int(time.time()), "final": True}
        with suppress(OSError):  # a note; the process fails with or without it
            Path(file).write_text(json.dumps(found))


def gave_up() -> str | None:
    """The reason for which this machine's processes have given up before they were started anew.

    torchrun knows no error after which it would not start them again.
    """
    if (folder := _notes()) is None:
        return None
    for earlier in sorted(folder.glob("attempt_*/*/error.json")):
        with suppress(OSError, ValueError):
            found = json.loads(earlier.read_text())
            if found.get("final"):
                return found["message"]
    return None


def _notes() -> Path | None:
    """A folder of this machine's torchrun, in which are those of its attempts and their ranks."""
    file = os.environ.get("TORCHELASTIC_ERROR_FILE")  # attempt_0/0/error.json
    return Path(file).parents[2] if file else None


def interface_to(address: str) -> str | None:
    """The name of the network interface by which this machine reaches `address`, if it does.

    Where `address` is this machine's own, the interface that has it.
    """
    own = address_to(address)
    for name, addresses in psutil.net_if_addrs().items():
        if any(found.address.partition("%")[0] == own for found in addresses):
            return name
    return None


def address_to(address: str) -> str | None:
    """This machine's own address on its way to `address`, if there is one."""
    with suppress(OSError):
        for family, kind, *_, there in socket.getaddrinfo(address, 9, type=socket.SOCK_DGRAM):
            with suppress(OSError), socket.socket(family, kind) as datagrams:
                datagrams.connect(there)  # chooses a way; sends nothing
                return datagrams.getsockname()[0]
    return None
