from __future__ import annotations

from pathlib import Path

import pytest

from unblur.inference import memory


def machine(root: Path, kib: int, limit: str = "max", used: int = 0) -> Path:
    (root / "proc").mkdir(parents=True)
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: 99 kB\nMemAvailable: {kib} kB\n")
    (root / "sys/fs/cgroup/memory.max").write_text(f"{limit}\n")
    (root / "sys/fs/cgroup/memory.current").write_text(f"{used}\n")
    return root


def test_a_containers_limit_counts_if_it_is_lower(tmp_path: Path) -> None:
    assert memory.available(machine(tmp_path / "a", 1000)) == 1000 * 1024
    assert memory.available(machine(tmp_path / "b", 1000, "500000", 200000)) == 300000
    assert memory.available(machine(tmp_path / "c", 1000, "9999999999")) == 1000 * 1024
    assert memory.available(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    ("free", "tile"),
    [(None, 1280), (64 << 30, 1280), (2 * 600 * 800**2, 800), (1, 384)],
)
def test_tiles_shrink_with_the_memory(
    monkeypatch: pytest.MonkeyPatch, free: int | None, tile: int
) -> None:
    monkeypatch.setattr(memory, "available", lambda: free)
    assert memory.tile_for_memory(1280) == tile
    assert memory.tile_for_memory(256) == 256
