"""Mutated files are read or refused; the program runs longer by itself."""

from __future__ import annotations

from tests.photo import fuzz_metadata


def test_mutated_files_are_read_or_refused() -> None:
    report = fuzz_metadata.run(300, 600, seed=1)
    assert report.findings == []
    assert report.files.total() == 300
    assert report.read.total() > 50
