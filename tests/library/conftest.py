from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.library.server import Served, serving


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own folders, which are empty; returns that of the added models."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UNBLUR_MODELS", str(tmp_path / "library"))
    return tmp_path / "library"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(Served(data=bytes(range(1, 251)) * 40)) as served:
        yield served
