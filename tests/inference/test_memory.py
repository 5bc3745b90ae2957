from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from unblur.inference import memory
from unblur.inference.contract import Contract


@pytest.mark.parametrize(
    ("limit", "used", "expected"),
    [
        ("max", "0", 1000_000),
        ("500000", "200000", 300_000),
        ("500000", "600000", 0),
        ("9999999999", "0", 1000_000),
        (None, None, 1000_000),
    ],
)
def test_a_containers_limit_counts_if_it_is_lower(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str | None,
    used: str | None,
    expected: int,
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000_000))
    for name, value in (("max", limit), ("current", used)):
        if value is not None:
            (tmp_path / f"memory.{name}").write_text(f"{value}\n")
    assert memory.available(tmp_path) == expected


@pytest.mark.parametrize(("free", "tile"), [(64 << 30, 1280), (2 * 600 * 800**2, 800), (1, 384)])
def test_tiles_shrink_with_the_memory(
    monkeypatch: pytest.MonkeyPatch, free: int, tile: int
) -> None:
    monkeypatch.setattr(memory, "available", lambda: free)
    assert memory.tile_for_memory(Contract()) == tile
    assert memory.tile_for_memory(Contract(tile=256)) == 256


def test_a_network_that_needs_much_gets_a_smaller_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = 200_000  # bytes a pixel, as of published networks of a hundred times the size
    monkeypatch.setattr(memory, "available", lambda: 16 << 30)
    assert memory.tile_for_memory(Contract(memory=needs)) == 207
    monkeypatch.setattr(memory, "available", lambda: 1 << 30)
    assert memory.tile_for_memory(Contract(memory=needs)) == memory.LEAST
    assert memory.tile_for_memory(Contract(memory=needs, size=(64, 96), tile=64)) == 64
