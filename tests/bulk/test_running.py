"""One run holds a target; one that was killed does not hold it for ever."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unblur.bulk import running as module
from unblur.bulk.running import FILE, running
from unblur.bulk.store import Store
from unblur.errors import UnblurError


@pytest.fixture
def target(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def change(target: Store, **facts: object) -> None:
    """Writes other facts into the file of the run that holds the target."""
    found = module.read(target) or {}
    target.put_bytes(json.dumps({**found, **facts}).encode(), FILE)


def test_a_second_run_is_refused_while_the_first_lasts(target: Store) -> None:
    refused = pytest.raises(UnblurError, match="is in use by another unblur bulk")
    with running(target, "first"), refused, running(target, "second"):
        pass
    assert not target.exists(FILE)
    with running(target, "third"):
        pass


def test_a_run_of_this_machine_whose_process_is_gone_is_followed_at_once(target: Store) -> None:
    process = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                             capture_output=True, check=True)  # fmt: skip
    with running(target, "killed") as killed:
        change(target, pid=int(process.stdout))
        with running(target, "next", wait=lambda seconds: pytest.fail("it waits")):
            killed.beat()
            with pytest.raises(UnblurError, match="was taken by another run"):
                killed.check()
    # The one that lost it leaves it alone.
    with running(target, "held"):
        killed.end()
        assert target.exists(FILE)


def test_a_run_of_another_machine_is_waited_for(
    target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(target, "elsewhere"):
        notes: list[str] = []
        waited: list[float] = []
        change(target, host="elsewhere", beat=time.time() - 30)
        with running(target, "next", notes.append, waited.append):
            assert sum(waited) == pytest.approx(module.OLD - 30, abs=5)
            assert "waits 60 s" in notes[0] or "waits 59 s" in notes[0]
        with running(target, "old"):
            change(target, host="elsewhere", beat=time.time() - 1000)
            with running(target, "next", wait=lambda seconds: pytest.fail("it waits")):
                pass
        with running(target, "alive"):
            change(target, host="elsewhere")
            alive = lambda seconds: change(target, beat=time.time() + 1)  # noqa: E731
            with pytest.raises(UnblurError, match="is in use"), running(target, "next", wait=alive):
                pass
            stop = lambda seconds: True  # noqa: E731
            with pytest.raises(UnblurError, match="may be in use"), running(target, "x", wait=stop):
                pass
