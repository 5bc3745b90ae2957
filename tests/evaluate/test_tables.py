from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from unblur import evaluate
from unblur.errors import UnblurError
from unblur.evaluate import render, statistics, tables
from unblur.metrics import Metric, load


@pytest.fixture
def full() -> dict[str, Any]:
    values = {"blurred": 25.0, "a|b <i>": 26.0, "[red]worse": 24.0}
    found = {
        "protocol": "full",
        "dataset": "pairs",
        "count": 3,
        "conditions": ["rounded to 8 bit"],
        "models": [
            {
                "name": name,
                "mean": {"psnr": value, "niqe": 5.0},
                "images": [{"name": f"s/{i}", "psnr": value, "niqe": 5.0} for i in range(3)],
            }
            for name, value in values.items()
        ],
    }
    statistics.add_statistics(found, METRICS)
    return found


METRICS = [*load(["psnr"]), Metric("niqe", "NIQE", "lower", lambda *_: 0.0, "", digits=2)]


def test_markdown_has_whole_rows_and_every_condition(full: dict[str, Any]) -> None:
    full["models"][1]["cost"] = {
        "seconds_per_megapixel": 1.5, "peak_bytes_per_megapixel": None, "parameters": 2_000_000,
        "gmacs": None, "megapixels": 1.0, "runs": 3, "threads": 2,
    }  # fmt: skip
    document = render.markdown([*tables.of_protocol(full, METRICS), *tables.costs(full)])
    for block in document.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1
    assert r"a\|b &lt;i>" in document
    assert "- rounded to 8 bit" in document
    assert "| 1.50 | unknown | 2.00 | unknown | 2 |" in document
    assert "+1.00 [+1.00, +1.00] | 100% | s/0 (+1.00)" in document


def test_text_shows_names_as_they_are(full: dict[str, Any]) -> None:
    console = Console(file=io.StringIO(), width=160)
    for table in tables.of_protocol(full, METRICS):
        for part in render.text(table):
            console.print(part, markup=False)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[red]worse" in said
    assert "rounded to 8 bit" in said


def test_large_sets_are_not_listed_and_equal_images_are_called_so(full: dict[str, Any]) -> None:
    for count, listed in ((3, True), (1111, False)):
        found = tables.of_protocol({**full, "count": count}, METRICS)
        assert any("image by image" in table.title for table in found) == listed
    assert tables.scores(METRICS[0], ("psnr",)).plain({"psnr": 100.0}) == "inf"


def test_a_run_writes_what_it_measured(
    pairs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = evaluate.Outputs(
        tmp_path / "new" / "t.json", tmp_path / "t.md", tmp_path / "t.html", tmp_path / "t.png"
    )
    ticks: list[tuple[int, int | None]] = []
    evaluate.run(
        pairs_dir / "train",
        ["default"],
        "full",
        costs=False,
        outputs=outputs,
        advance=lambda done, total: ticks.append((done, total)),
    )
    assert outputs.json is not None
    found = json.loads(outputs.json.read_text())
    assert [m["name"] for m in found["models"]] == ["blurred", "default"]
    images = found["models"][1]["images"]
    assert found["models"][1]["mean"]["ssim"] == np.mean([i["ssim"] for i in images])
    assert outputs.html is not None
    assert outputs.html.read_text().count("<article>") == 4
    assert ticks == [(i, 8) for i in range(9)]
    said = capsys.readouterr().out
    for condition in found["conditions"]:
        assert condition in " ".join(said.split())


def test_an_impossible_output_is_said_before_measuring(pairs_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, reason in ((tmp_path / "file" / "t.json", "cannot be written"),
                         (tmp_path, "is a folder")):  # fmt: skip
        with pytest.raises(UnblurError, match=reason):
            evaluate.run(pairs_dir, ["nosuch"], outputs=evaluate.Outputs(json=path))
