"""The ablation's rows are told apart; its runner resumes; its intervals are right."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import ablation_table as table
from benchmarks import documents
from benchmarks.ablation_rows import REFERENCE, ROWS
from msgspec.structs import replace
from scipy import stats

from tests.files import write
from unblur.errors import UnblurError
from unblur.losses import LossConfig
from unblur.nets.paper import PaperConfig
from unblur.training import config as configs
from unblur.training.config import DataConfig, PhaseConfig, TrainConfig
from unblur.training.loop import train

ROOT = Path(__file__).parents[1]
BEGIN, END = documents.markers(table.PLACE)
BASE = configs.load(ROOT / "configs" / "ablation.toml")


def test_no_two_rows_are_one_and_each_is_compared_with_a_row() -> None:
    found = [(name, row.of(BASE)) for name, row in ROWS.items()]
    assert [name for name, config in found if config == BASE] == [REFERENCE]
    assert len({config for _, config in found}) == len(ROWS) == 12
    assert {row.against for row in ROWS.values()} <= ROWS.keys()


@pytest.fixture
def ablation(tmp_path: Path, picture: np.ndarray) -> list[str]:
    """The command for two tiny rows, on three photos and one pair."""
    for index in range(3):
        write(tmp_path / "photos" / f"{index}.png", np.roll(picture, 9 * index, axis=0))
    write(tmp_path / "pairs" / "blur" / "0.png", (picture // 2 + np.roll(picture, 2, axis=1) // 2))
    write(tmp_path / "pairs" / "sharp" / "0.png", picture)
    loss = LossConfig(adversarial=0, content=0)
    config = TrainConfig(
        phases=(PhaseConfig(steps=3, crop=32, batch=2, lr=1e-2, loss=loss),),
        network=PaperConfig(widths=(8, 8, 16), trunk=16, up=(8, 8), blocks=2),
        data=DataConfig(hold_out_every=3),
        check_every=3,
    )
    (tmp_path / "base.toml").write_text(configs.dumps(config))
    (tmp_path / "table.md").write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n")
    options = {"data": "photos", "eval": "pairs", "out": "out", "config": "base.toml",
               "table": "table.md"}  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.ablation", "--seeds", "1"]
    command += ["--only", "crosshatch", "--only", "no-attention"]
    return command + [x for k, v in options.items() for x in (f"--{k}", str(tmp_path / v))]


def call(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_killed_and_started_again_it_ends_with_the_table(
    ablation: list[str], tmp_path: Path
) -> None:
    # What a kill leaves: one run between two steps, the other before its first checkpoint.
    begun, out = tmp_path / "out" / "crosshatch" / "seed-0", tmp_path / "out"
    assert call([*ablation, "--seeds", "0"]).returncode == 0
    rows = [configs.load(out / name / "config.toml") for name in ("crosshatch", "no-attention")]
    train(rows[0], begun, max_steps=2)
    (begun / "kept").touch()
    empty = out / "no-attention" / "seed-0"
    empty.mkdir(parents=True)
    (empty / "config.toml").write_text(configs.dumps(rows[1]))

    first = call(ablation)
    assert first.returncode == 0, first.stderr
    assert "2 of 2 runs to do" in first.stdout
    assert (begun / "kept").exists()  # so it was resumed: a new run wants an empty folder

    results = json.loads((out / "results.json").read_text())
    assert [(r["name"], r["seed"]) for r in results] == [("crosshatch", 0), ("no-attention", 0)]
    assert results[0]["parameters"] > results[1]["parameters"]
    for result in results:
        assert {name: len(images) for name, images in result["sets"].items()} == {
            "held out": 1, "pairs": 1,
        }  # fmt: skip
        assert all(i["psnr"] != i["blurred_psnr"] for s in result["sets"].values() for i in s)
    text = (tmp_path / "table.md").read_text()
    assert text.startswith(f"before\n{BEGIN}\nSeeds a row: 1;")
    assert "| 3 of 2 x 32x32 |" in text
    assert text.endswith(f"{END}\nafter\n")
    assert "| no-attention | No attention |" in text
    assert "stale" not in text

    again = call(ablation)
    assert "0 of 2 runs to do" in again.stdout
    assert (tmp_path / "table.md").read_text() == text

    base = configs.load(tmp_path / "base.toml")
    (tmp_path / "base.toml").write_text(configs.dumps(replace(base, ema=0.5)))
    assert "another ema (0.999, not 0.5)" in call(ablation).stderr


def test_mistakes_get_one_line(ablation: list[str], tmp_path: Path) -> None:
    cases = [
        (["--only", "unet"], "--only unet: there are crosshatch, criss-cross"),
        (["--eval", str(tmp_path / "photos")], "is trained on"),
        (["--table", str(tmp_path / "base.toml")], "has no place for the table"),
    ]
    for more, message in cases:
        result = call([*ablation, *more])
        assert result.returncode == 1
        assert message in result.stderr
        assert result.stderr.count("\n") == 1
    (tmp_path / "out").mkdir(exist_ok=True)
    with (tmp_path / "out" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "an ablation is at work there" in call(ablation).stderr


def test_the_interval_is_students() -> None:
    differences = [0.1, 0.3, 0.15, 0.22]
    own = stats.ttest_1samp(differences, 0).confidence_interval(table.LEVEL)
    np.testing.assert_allclose(table.interval(differences), [own.low, own.high])


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [([0.1, 0.11, 0.12], "better"), ([-0.1, -0.11, -0.12], "worse"), ([-0.1, 0.0, 0.3], "no")],
)
def test_rows_are_told_apart_where_the_interval_leaves_out_zero(
    differences: list[float], verdict: str
) -> None:
    assert table.compare(differences)[1] == verdict


def result(name: str, seed: int, psnr: float) -> dict[str, Any]:
    image = {"psnr": psnr, "ssim": 0.9, "blurred_psnr": 20.0, "blurred_ssim": 0.8}
    config = configs.dumps(BASE)
    return {
        "name": name, "seed": seed, "parameters": 10, "gmac": 1.0, "seconds": 90.0, "torch": "2",
        "hardware": "a", "adversarial": None, "config": config, "sets": {"s": [image, image]},
    }  # fmt: skip


def test_differences_are_paired_by_seed() -> None:
    """Seed 2 has no partner: it counts for its row's mean, not for the difference."""
    results = [result("crosshatch", 0, 21.0), result("crosshatch", 1, 22.0),
               result("deblurgan", 1, 22.5), result("deblurgan", 0, 21.5),
               result("deblurgan", 2, 29.0)]  # fmt: skip
    text = table.markdown(results)
    assert "| crosshatch | +1.500 ± 0.707 | +0.1000 ± 0.0000 |  |  |  |" in text
    difference = "crosshatch | +0.500 [+0.500, +0.500] | better |"
    assert f"| deblurgan | +4.333 ± 4.072 | +0.1000 ± 0.0000 | {difference}" in text


def test_a_file_without_markers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"{END}\n{BEGIN}\n")
    with pytest.raises(UnblurError, match="no place for the table"):
        documents.put(tmp_path / "a.md", table.PLACE, "x")
    with pytest.raises(UnblurError, match="No such file"):
        documents.require_place(tmp_path / "b.md", table.PLACE)
