"""The ablation's rows differ, its runs resume after a kill, and its intervals are correct."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import ROOT, documents
from experiments.ablation import table
from experiments.ablation.__main__ import CONFIG, main
from experiments.ablation.rows import REFERENCE, ROWS
from msgspec.structs import replace
from scipy import stats

from tests.files import write
from unblur.errors import UnblurError
from unblur.losses import LossConfig
from unblur.nets.paper import PaperConfig
from unblur.training import config as configs
from unblur.training.config import DataConfig, PhaseConfig, TrainConfig
from unblur.training.loop import train

BEGIN, END = documents.markers(table.PLACE)
BASE = configs.load(CONFIG)


def test_all_rows_differ_and_each_is_compared_with_a_row() -> None:
    found = [(name, row.of(BASE)) for name, row in ROWS.items()]
    assert [name for name, config in found if config == BASE] == [REFERENCE]
    assert len({config for _, config in found}) == len(ROWS) == 12
    assert {row.against for row in ROWS.values()} <= ROWS.keys()


@pytest.fixture
def ablation(tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options for two tiny rows, on three photos and one pair."""
    monkeypatch.chdir(ROOT)  # where the runs' processes find the module
    for index in range(3):
        write(tmp_path / "photos" / f"{index}.png", np.roll(picture, 9 * index, axis=0))
    write(tmp_path / "pairs" / "blur" / "0.png", (picture // 2 + np.roll(picture, 2, axis=1) // 2))
    write(tmp_path / "pairs" / "sharp" / "0.png", picture)
    loss = LossConfig(adversarial=0.0, content=0.0)
    config = TrainConfig(
        phases=(PhaseConfig(steps=3, crop=32, batch=2, lr=1e-2, loss=loss),),
        network=PaperConfig(widths=(8, 8, 16), trunk=16, up=(8, 8), blocks=2),
        data=DataConfig(hold_out_every=3),
        check_every=3,
    )
    (tmp_path / "base.toml").write_text(configs.dumps(config))
    (tmp_path / "table.md").write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n")
    options = ["--seeds", "1", "--only", "crosshatch", "--only", "no-attention"]
    paths = {"data": "photos", "eval": "pairs", "out": "out", "config": "base.toml",
             "table": "table.md"}  # fmt: skip
    return options + [x for key, path in paths.items() for x in (f"--{key}", str(tmp_path / path))]


def test_killed_and_started_again_it_ends_with_the_table(
    ablation: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # As a kill leaves them: one run between two steps, the other before its first checkpoint.
    begun, out = tmp_path / "out" / "crosshatch" / "seed-0", tmp_path / "out"
    assert main([*ablation, "--seeds", "0"]) == 0
    rows = [configs.load(out / name / "config.toml") for name in ("crosshatch", "no-attention")]
    train(rows[0], begun, max_steps=2)
    (begun / "kept").touch()
    empty = out / "no-attention" / "seed-0"
    empty.mkdir(parents=True)
    (empty / "config.toml").write_text(configs.dumps(rows[1]))

    assert main(ablation) == 0
    assert "2 of 2 runs to do" in capfd.readouterr().out
    assert (begun / "kept").exists()  # so it was resumed: a new run needs an empty folder

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

    assert main(ablation) == 0
    assert "0 of 2 runs to do" in capfd.readouterr().out
    assert (tmp_path / "table.md").read_text() == text

    base = configs.load(tmp_path / "base.toml")
    (tmp_path / "base.toml").write_text(configs.dumps(replace(base, ema=0.5)))
    assert main(ablation) == 1
    assert "another ema (0.999, not 0.5)" in capfd.readouterr().err


def test_mistakes_get_one_line(
    ablation: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [
        (["--only", "unet"], "--only unet: there are crosshatch, criss-cross"),
        (["--eval", str(tmp_path / "photos")], "is trained on"),
        (["--table", str(tmp_path / "base.toml")], "has no place for the table"),
    ]
    for more, message in cases:
        assert main([*ablation, *more]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    (tmp_path / "out").mkdir(exist_ok=True)
    with (tmp_path / "out" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert main(ablation) == 1
    assert "an ablation is running there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [([0.1, 0.11, 0.12], "better"), ([-0.1, -0.11, -0.12], "worse"), ([-0.1, 0.0, 0.3], "no")],
)
def test_the_interval_is_students_and_tells_rows_apart_where_it_excludes_zero(
    differences: list[float], verdict: str
) -> None:
    own = stats.ttest_1samp(differences, 0).confidence_interval(table.LEVEL)
    np.testing.assert_allclose(table.interval(differences), [own.low, own.high])
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
