"""The options of a run."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from experiments.inspection.pictures import Photos, load_photos
from unblur.inference.deblurrer import Deblurrer
from unblur.inference.inspector import Inspector
from unblur.inference.options import Precision

T = TypeVar("T")


@dataclass(frozen=True)
class Setup:
    """What is measured, on what.

    Attributes:
        photos: folder of sharp photos, or None.
        pairs: folders of real pairs.
        every, count: see `load_photos`.
        model, precision: as in `Deblurrer`.
        scales: at which long blur is removed.
        large: photos that are enlarged, at most.
        quick: whether to measure next to nothing, to test that everything runs.
    """

    photos: Path | None = None
    pairs: tuple[Path, ...] = ()
    every: int | None = None
    count: int | None = None
    model: str = "default"
    precision: Precision = "f32"
    scales: tuple[float | str, ...] = ()
    large: int = 4
    quick: bool = False

    @cached_property
    def inspector(self) -> Inspector:
        return Inspector(self.model, "cpu", precision=self.precision)

    @cached_property
    def deblurrer(self) -> Deblurrer:
        return Deblurrer(self.model, "cpu", precision=self.precision)

    def load_photos(self) -> Photos:
        return load_photos(self.photos, self.every, self.count)

    def few(self, items: Sequence[T]) -> Sequence[T]:
        """All items; the first and the last in a quick run."""
        return (items[0], items[-1]) if self.quick and len(items) > 2 else items

    def report(self, about: str, items: Sequence[T]) -> Iterator[T]:
        """The items; says on standard error what is being measured, and the seconds it took."""
        begun = time.monotonic()
        print(f"{about}: {len(items)} ...", end=" ", file=sys.stderr, flush=True)
        yield from items
        print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
