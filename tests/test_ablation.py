"""The ablation's configs differ in one thing each; its runner resumes; its intervals are right."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import ablation_table as table
from benchmarks import documents
from scipy import stats

from tests.files import write
from unblur import config as configs
from unblur.config import DataConfig, LiteConfig, LossConfig, PhaseConfig, TrainConfig
from unblur.errors import UnblurError
from unblur.training import train

ROOT = Path(__file__).parents[1]
BEGIN, END = documents.markers(table.PLACE)
CONFIGS = {p.stem: configs.load(p) for p in (ROOT / "configs" / "ablation").glob("*.toml")}
PLAIN = {
    *(f"loss.{name}" for name in ("adversarial", "content", "pixel", "gradient", "frequency")),
    *("loss.pixel_kind", "steps", "check_every", "crop", "batch", "lite.reach"),
}
DIFFERENCES = {
    "crosshatch": set(),
    "criss-cross": {"lite.attention"},
    "no-attention": {"lite.attention"},
    "no-adversarial": {"loss.adversarial"},
    "no-content": {"loss.content"},
    "no-pixel": {"loss.pixel"},
    "no-gradient": {"loss.gradient"},
    "one-discriminator-step": {"discriminator_steps"},
    "deblurgan": {"generator", "deblurgan.widths"},
    "paper": {"generator", "paper.widths", "paper.trunk", "paper.up"},
    "plain": PLAIN,
    "plain+criss-cross": PLAIN | {"lite.attention"},
    "plain+no-attention": PLAIN | {"lite.attention"},
}


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, TrainConfig):
        everything = dataclasses.asdict(value)
        (phase,) = everything.pop("phases")
        return flat(everything | phase)
    if not isinstance(value, dict):
        return {prefix.removeprefix("."): value}
    return {k: v for key, inner in value.items() for k, v in flat(inner, f"{prefix}.{key}").items()}


def test_every_row_differs_from_the_reference_in_what_its_name_says() -> None:
    reference = flat(CONFIGS[table.REFERENCE])
    found = {name: {k for k, v in flat(config).items() if v != reference[k]}
             for name, config in CONFIGS.items()}  # fmt: skip
    assert found == DIFFERENCES
    assert {*table.AGAINST, *table.AGAINST.values(), table.REFERENCE} <= CONFIGS.keys()
    for name in ("adversarial", "content", "pixel", "gradient"):
        assert getattr(CONFIGS[f"no-{name}"].phases[0].loss, name) == 0


@pytest.fixture
def ablation(tmp_path: Path, picture: np.ndarray) -> list[str]:
    """The command for two tiny configs, on three photos and one pair."""
    for index in range(3):
        write(tmp_path / "photos" / f"{index}.png", np.roll(picture, 9 * index, axis=0))
    write(tmp_path / "pairs" / "blur" / "0.png", (picture // 2 + np.roll(picture, 2, axis=1) // 2))
    write(tmp_path / "pairs" / "sharp" / "0.png", picture)
    loss = LossConfig(adversarial=0, content=0)
    (tmp_path / "configs").mkdir()
    for name in ("crosshatch", "none"):
        config = TrainConfig(
            phases=(PhaseConfig(steps=3, crop=32, batch=2, lr=1e-2, loss=loss),),
            lite=LiteConfig((8, 8, 8), (1, 1, 2), attention=name),  # pyright: ignore
            data=DataConfig(hold_out_every=3),
            check_every=3,
        )
        text = f"# The row {name}.\n{configs.dumps(config)}"
        (tmp_path / "configs" / f"{name}.toml").write_text(text)
    (tmp_path / "table.md").write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n")
    options = {"data": "photos", "eval": "pairs", "out": "out", "configs": "configs",
               "table": "table.md"}  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.ablation", "--seeds", "1"]
    return command + [x for k, v in options.items() for x in (f"--{k}", str(tmp_path / v))]


def call(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_killed_and_started_again_it_ends_with_the_table(
    ablation: list[str], tmp_path: Path
) -> None:
    # What a kill leaves: one run between two steps, the other before its first checkpoint.
    begun, out = tmp_path / "out" / "crosshatch" / "seed-0", tmp_path / "out"
    settings = configs.load(tmp_path / "configs" / "crosshatch.toml")
    train(configs.override(settings, [tmp_path / "photos"], None), begun, max_steps=2)
    (begun / "kept").touch()
    empty = out / "none" / "seed-0"
    empty.mkdir(parents=True)
    (empty / "config.toml").write_text((begun / "config.toml").read_text().replace(
        'attention = "crosshatch"', 'attention = "none"', 1))  # fmt: skip

    first = call(ablation)
    assert first.returncode == 0, first.stderr
    assert "2 of 2 runs to do" in first.stdout
    assert (begun / "kept").exists()  # so it was resumed: a new run wants an empty folder

    results = json.loads((out / "results.json").read_text())
    assert [(r["name"], r["seed"]) for r in results] == [("crosshatch", 0), ("none", 0)]
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
    assert "| none | The row none |" in text
    assert "stale" not in text

    again = call(ablation)
    assert "0 of 2 runs to do" in again.stdout
    assert (tmp_path / "table.md").read_text() == text

    settings = configs.load(tmp_path / "configs" / "none.toml")
    changed = configs.dumps(replace(settings, ema=0.5))
    (tmp_path / "configs" / "none.toml").write_text(changed)
    assert "another ema (0.999, not 0.5)" in call(ablation).stderr


def test_mistakes_get_one_line(ablation: list[str], tmp_path: Path) -> None:
    cases = [
        (["--only", "unet"], "--only unet: there are crosshatch, none"),
        (["--eval", str(tmp_path / "photos")], "is trained on"),
        (["--table", str(tmp_path / "configs" / "none.toml")], "has no place for the table"),
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
    config = configs.dumps(CONFIGS["crosshatch"])
    return {
        "name": name, "seed": seed, "parameters": 10, "gmac": 1.0, "seconds": 90.0, "torch": "2",
        "hardware": "a", "adversarial": None, "config": config, "sets": {"s": [image, image]},
    }  # fmt: skip


def test_differences_are_paired_by_seed() -> None:
    """Seed 2 has no partner: it counts for its row's mean, not for the difference."""
    results = [result("crosshatch", 0, 21.0), result("crosshatch", 1, 22.0),
               result("other", 1, 22.5), result("other", 0, 21.5),
               result("other", 2, 29.0)]  # fmt: skip
    text = table.markdown(results, {"other": "another"})
    assert "| crosshatch | +1.500 ± 0.707 | +0.1000 ± 0.0000 |  |  |  |" in text
    difference = "crosshatch | +0.500 [+0.500, +0.500] | better |"
    assert f"| other | +4.333 ± 4.072 | +0.1000 ± 0.0000 | {difference}" in text


def test_a_file_without_markers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"{END}\n{BEGIN}\n")
    with pytest.raises(UnblurError, match="no place for the table"):
        documents.put(tmp_path / "a.md", table.PLACE, "x")
    with pytest.raises(UnblurError, match="No such file"):
        documents.require_place(tmp_path / "b.md", table.PLACE)
