from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluate import models


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint of unblur, own.safetensors; beside it own.onnx, exported from it."""
    from unblur.training.export import export

    path = models.own(tmp_path_factory.mktemp("models") / "own.safetensors")
    export(path, path.with_suffix(".onnx"))
    return path
