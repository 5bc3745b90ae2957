"""The models that a server has loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.files import write
from tests.serve.conftest import Brighter
from unblur.serve.models import LoadedModels
from unblur.serve.queue import PhotoQueue
from unblur.serve.result import CachedResult
from unblur.serve.work import deblurring


def test_what_best_needs_is_loaded_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, picture: np.ndarray
) -> None:
    loaded: list[tuple[str, str]] = []
    rounded, exact = Brighter(), Brighter()
    rounded.precision = "int8"

    def load(model: str, precision: str = "auto", **_: bool) -> Brighter:
        loaded.append((model, precision))
        return rounded if (model, precision) == ("a", "auto") else exact

    monkeypatch.setattr("unblur.serve.models.open_network", load)
    path = write(tmp_path / "photo.png", picture)
    queue = PhotoQueue(LoadedModels(("a", "b")))
    for name, best in (("a", False), ("a", True), ("a", True), ("b", True)):
        model = queue.models.find(name)
        work = deblurring(model, path, CachedResult.close, max_pixels=None, best=best)
        queue.submit(work).future.result(20)
    queue.close(5)
    # Rounded to 8 bits, it is loaded again in floats; in floats, the same network serves.
    assert loaded == [("a", "auto"), ("b", "auto"), ("a", "float")]
