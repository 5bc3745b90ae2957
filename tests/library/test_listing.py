"""The list of models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evaluate.models import stretch_onnx
from tests.files import unblur
from tests.library.test_adding import run
from unblur.inference import counting
from unblur.inference.contract import digest_of
from unblur.inference.engine import Engine
from unblur.inference.models import bundled_names, find_model
from unblur.library.listing import models


def test_what_is_listed_of_the_bundled_models_is_what_they_say(home: Path) -> None:
    listed = {one.name: one for one in models() if one.status == "bundled"}
    assert sorted(listed) == bundled_names()
    for name, one in listed.items():
        file = find_model(name)
        assert (one.parameters, one.gmac) == pytest.approx(counting.count(file))
        assert one.contract == Engine(name, "cpu").contract
        assert one.sha256 == digest_of(file)


def test_the_list_fits_80_columns_and_loads_no_network(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 20)
    deep.mkdir()
    assert run("add", stretch_onnx(deep / "net.onnx"))[0] == 0
    lines = unblur("models").stdout.splitlines()
    assert max(map(len, lines[:-1])) <= 80
    text = "\n".join(lines)
    for shown in ("default ", "bundled", "net ", "added", "images 0..1", "nafnet", "not added",
                  "MIT", "91.7 MB", "unblur models add nafnet"):  # fmt: skip
        assert shown in text
    facts = json.loads(run("--json")[1])["models"]
    assert [one["status"] for one in facts] == ["bundled", "bundled", "added", "not added"]
    assert facts[2]["source"] == str(deep / "net.onnx")
    assert facts[2]["contract"]["reach"] == 0
