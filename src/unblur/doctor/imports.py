"""Tries imports in processes of their own, which a broken package may end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CODE = """
import importlib, json, os, sys
out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
for name in sys.argv[1:]:
    print(json.dumps([name, None]), file=out)
    try:
        module, _, function = name.partition(":")
        imported = importlib.import_module(module)
        if function:
            getattr(imported, function)()
        said = ""
    except BaseException as error:
        lines = str(error).strip().splitlines()
        said = ": ".join([type(error).__name__, *lines[:1]])
    print(json.dumps([name, said]), file=out)
os._exit(0)
"""


@dataclass(frozen=True)
class Import:
    """How importing a module went.

    Attributes:
        fault: what was raised, or how the process ended; "" if nothing was.
        ended: whether the import was waited for to its end.
    """

    fault: str = ""
    ended: bool = True


def try_imports(groups: Sequence[Sequence[str]], seconds: float) -> dict[str, Import]:
    """Imports the modules of each group, one after the other, the groups at the same time.

    A name with a colon is that of a function that imports, MODULE:FUNCTION.

    Where a process is ended by an import, another goes on behind it. What has not ended after
    these seconds is not waited for.
    """
    until = time.monotonic() + seconds
    running = [_Group(list(names)) for names in groups if names]
    found: dict[str, Import] = {}
    for group in running:
        found.update(group.results(until))
    return found


class _Group:
    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._start(names)

    def _start(self, names: list[str]) -> None:
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE, *names],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )

    def results(self, until: float) -> Iterator[tuple[str, Import]]:
        left = self._names
        while left:
            try:
                code = self._process.wait(max(0.01, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                code = None
            done, begun = self._read()
            yield from done.items()
            left = [name for name in left if name not in done]
            if code is None:
                yield from ((name, Import(ended=False)) for name in left)
                return
            if not left:
                return
            if begun is None:
                yield from ((name, Import("no process could be started for it")) for name in left)
                return
            yield begun, Import(f"ends the process that imports it (exit code {code})")
            left = [name for name in left if name != begun]
            if left:
                self._start(left)

    def _read(self) -> tuple[dict[str, Import], str | None]:
        """The imports that ended, and the one that was begun and did not."""
        with self._log as log:
            log.seek(0)
            lines = [json.loads(line) for line in log if line.endswith("\n")]
        done = {name: Import(said) for name, said in lines if said is not None}
        begun = [name for name, said in lines if said is None and name not in done]
        return done, begun[-1] if begun else None
