"""Reads mutated files without an end: no traceback, no hang, no memory beyond a bound.

    python -m tests.photo.fuzz_metadata --minutes 10 [--seed N] [--keep FOLDER]

Each file is one of the facts that a format can carry, or a few of its metadata, mutated: bytes and
numbers changed, parts cut, doubled, exchanged with another file's. It is read by its bytes and by
its path, and written in its own format and another. What is found is kept in a folder.
"""

from __future__ import annotations

import argparse
import faulthandler
import resource
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.photo import facts
from tests.photo.any_files import FILES, pixels_of
from tests.photo.facts.png import checked
from unblur import photo
from unblur.errors import PhotoError
from unblur.photo.folders import content

SECONDS = 10.0
"""A file that takes longer is a finding; after six times as long the program is ended."""
MEMORY = 2**30
"""Bytes by which the process may grow beyond what it had after the seeds."""
_PIXELS = 2**20
_NUMBERS = (0, 1, 2, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 8, 2**32 - 1)
_PIXEL_MARKS = {
    "png": b"IDAT", "jpeg": b"\xff\xda", "webp": b"VP8", "avif": b"mdat", "heif": b"mdat",
    "gif": b"\x2c\0\0\0\0",
}  # fmt: skip
_TARGETS = ("jpeg", "png", "webp", "tiff", "avif", "gif")


@dataclass
class Report:
    """What a run has done and found."""

    files: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, bytes]] = field(default_factory=list)
    slowest: float = 0.0
    grown: int = 0


def seeds() -> dict[str, list[bytes]]:
    """Whole files of each format."""
    found: dict[str, list[bytes]] = {}
    for fact in facts.facts():
        data = fact.data()
        if len(data) < 300_000:
            found.setdefault(_kind(data), []).append(data)
    names: tuple[str, ...] = ("exif", "xmp", "iptc", "profile", "comment", "unknown")
    blocks: dict[str, int] = dict.fromkeys(names, 50)
    for made in FILES.values():
        for orientation in (0, 6):
            data = made(pixels_of("RGB", (24, 20), 1), blocks, orientation)
            found.setdefault(_kind(data), []).append(data)
    return found


def mutations(whole: dict[str, list[bytes]], seed: int) -> Iterator[tuple[str, bytes]]:
    """The kind and the bytes of one mutated file after the other; the same for a seed."""
    rng = np.random.default_rng(seed)
    kinds = sorted(whole)
    while True:
        kind = kinds[rng.integers(len(kinds))]
        data = bytearray(whole[kind][rng.integers(len(whole[kind]))])
        other = whole[kind][rng.integers(len(whole[kind]))]
        for _ in range(rng.geometric(0.5)):
            _mutate(kind, data, other, rng)
        if kind == "png" and rng.random() < 0.7:
            data = bytearray(checked(bytes(data)))
        yield kind, bytes(data)


def run(files: int | None, seconds: float, seed: int) -> Report:
    """Tries so many files, or for so long."""
    report, whole = Report(), seeds()
    end = time.monotonic() + seconds
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo"
        for number, (kind, data) in enumerate(mutations(whole, seed)):
            if (files is not None and number >= files) or time.monotonic() > end:
                return report
            began = time.monotonic()
            faulthandler.dump_traceback_later(6 * SECONDS, exit=True)
            problem = _try(data, path, number, report, kind)
            faulthandler.cancel_dump_traceback_later()
            took = time.monotonic() - began
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
            if grown > MEMORY > report.grown:
                problem = problem or f"memory grew by {grown >> 20} MB"
            problem = problem or (f"took {took:.1f} s" if took > SECONDS else "")
            report.files[kind] += 1
            report.slowest, report.grown = max(report.slowest, took), max(report.grown, grown)
            if problem:
                report.findings.append((problem, data))
    return report


def _try(data: bytes, path: Path, number: int, report: Report, kind: str) -> str:
    """What is wrong with how a file is read and written; empty if nothing is."""
    path.write_bytes(data)
    target = _TARGETS[number % len(_TARGETS)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            content(path)
            photo.read_size(data)
            one, two = photo.read(data, _PIXELS), photo.read(path, _PIXELS)
            if one.origin.dropped != two.origin.dropped or one.origin.exif != two.origin.exif:
                return "a path and its bytes differ"
            photo.taken(one)
            report.read[kind] += 1
            for to in {one.format, target}:
                said = photo.lost(one, to)
                made = photo.encode(one, one.pixels[::-1], to)
                if any("\n" in line or not line.isprintable() for line in said):
                    return f"a line is not one: {said}"
                photo.read(made, None)
        except PhotoError as error:
            line = str(error)
            return f"a line is not one: {line!r}" if "\n" in line else ""
        except Exception:  # noqa: BLE001 (what is looked for)
            return traceback.format_exc()
    return ""


def _mutate(kind: str, data: bytearray, other: bytes, rng: np.random.Generator) -> None:
    """Changes a place, most times one before the pixels, and most times without moving others."""
    if len(data) < 32:
        return
    pixels = data.find(_PIXEL_MARKS[kind], 16) if kind in _PIXEL_MARKS else -1
    most = len(data) if rng.random() < 0.15 or pixels < 24 else pixels
    at = int(rng.integers(4, max(most - 4, 5)))
    size = int(rng.geometric(0.08))
    how = rng.choice((0, 1, 2, 3) if rng.random() < 0.7 else (4, 5, 6, 7))
    if how == 0:
        data[at] ^= 1 << int(rng.integers(8))
    elif how == 1:
        data[at : at + size] = rng.bytes(min(size, len(data) - at))
    elif how == 2:
        form = (">I", "<I", ">H", "<H", ">Q")[rng.integers(5)]
        number = _NUMBERS[rng.integers(len(_NUMBERS))]
        made = struct.pack(form, number & (2 ** (8 * struct.calcsize(form)) - 1))
        data[at : at + len(made)] = made
    elif how == 3:
        old = int(rng.integers(4, len(data)))
        data[at : at + 4] = data[old : old + 4].ljust(4, b"\0")
    elif how == 4:
        del data[at : at + size]
    elif how == 5:
        data[at:at] = data[at : at + size * 3]
    elif how == 6:
        del data[int(rng.integers(16, len(data))) :]
    else:
        start = int(rng.integers(len(other)))
        data[at:at] = other[start : start + 8 * size]


def _kind(data: bytes) -> str:
    return photo.kind_of(data[:64])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz"))
    given = parser.parse_args()
    faulthandler.enable()
    report = run(None, given.minutes * 60, given.seed)
    print(f"{report.files.total()} files, {report.read.total()} of them read:")
    for kind, count in sorted(report.files.items()):
        print(f"  {kind}: {count}, {report.read[kind]} read")
    print(f"slowest {report.slowest:.2f} s, memory {report.grown >> 20} MB above the seeds'")
    unlike: dict[str, bytes] = {}
    for problem, data in report.findings:
        unlike.setdefault(problem, data)
    for number, (problem, data) in enumerate(unlike.items()):
        given.keep.mkdir(exist_ok=True)
        (given.keep / f"{number}").write_bytes(data)
        print(f"\n{given.keep / str(number)}:\n{problem}", file=sys.stderr)
    sys.exit(bool(report.findings))


if __name__ == "__main__":
    main()
