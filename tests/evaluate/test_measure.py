from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.evaluate.models import fake
from tests.files import write
from unblur import evaluate, metrics
from unblur.datasets import Dataset, Pair, evenly, find_dataset, read_rgb
from unblur.errors import DataError
from unblur.evaluate.measure import BLURRED, Picture, measure

METRICS = metrics.load(["psnr", "ssim"])
TEST_PAIRS = Path(__file__).parents[3] / "shared/data/GOPRO_Large/test"


@pytest.fixture
def dataset(pairs_dir: Path) -> Dataset:
    home = pairs_dir / "train" / "SEQ"
    blurred = sorted((home / "blur").iterdir())
    return Dataset("pairs", [Pair(p, home / "sharp" / p.name, p.stem) for p in blurred])


def means(dataset: Dataset, *restorers: Any, protocol: str = "full") -> list[dict[str, float]]:
    models = [fake(str(index), restore) for index, restore in enumerate(restorers)]
    return [m["mean"] for m in measure(dataset, models, protocol, METRICS)["models"]]


def test_what_changes_the_numbers(dataset: Dataset) -> None:
    """The truth is perfect; a shift, swapped channels and another image's truth each cost."""
    truths = [read_rgb(p.sharp) for p in dataset.pairs]
    todo = iter(range(len(truths)))
    current: dict[str, np.ndarray] = {}

    def truth(_: np.ndarray) -> np.ndarray:
        index = next(todo)
        current.update(here=truths[index], next=truths[index - 1])
        return truths[index]

    blurred, same, shifted, swapped, wrong = means(
        dataset,
        truth,
        lambda _: np.roll(current["here"], 1, axis=1),
        lambda _: current["here"][..., ::-1],
        lambda _: current["next"],
    )
    assert same == {"psnr": metrics.EQUAL, "ssim": pytest.approx(1)}
    assert blurred["psnr"] < 40
    for worse in (shifted, swapped, wrong):
        assert worse["psnr"] < 30
        assert worse["ssim"] < 0.99


def test_the_blurred_row_is_the_input_and_protocols_differ(dataset: Dataset) -> None:
    for protocol in metrics.PROTOCOLS:
        blurred, identity = means(dataset, lambda image: image, protocol=protocol)
        assert blurred == identity
    sizes: set[tuple[int, ...]] = set()
    means(dataset, lambda i: sizes.add(i.shape) or i, protocol="paper")
    assert sizes == {(256, 256, 3)}


def test_the_best_of_several_truths_counts(dataset: Dataset) -> None:
    pair = dataset.pairs[0]
    result = measure(dataset, [], "full", METRICS)["models"][0]["images"][0]
    others = (dataset.pairs[1].sharp, pair.blur)
    more = replace(dataset, pairs=[replace(pair, others=others)])
    best = measure(more, [], "full", METRICS)["models"][0]["images"][0]
    assert result["psnr"] < metrics.EQUAL
    assert best == {"name": pair.name, "psnr": metrics.EQUAL, "ssim": pytest.approx(1)}


def test_a_datasets_alignment_comes_before_the_metrics(dataset: Dataset) -> None:
    def align(image: np.ndarray, truth: np.ndarray) -> Any:
        mask = np.zeros(truth.shape[:2], bool)
        mask[:, :50] = True
        return image, np.where(mask[..., None], image, truth), mask

    assert means(replace(dataset, align=align))[0]["psnr"] == metrics.EQUAL


def test_a_truth_of_another_size_is_named(dataset: Dataset, picture: np.ndarray) -> None:
    write(dataset.pairs[1].sharp, picture[:90])
    with pytest.raises(DataError, match=r"120x96, but its truth .* is 120x90"):
        measure(dataset, [], "full", METRICS)


def test_pictures_are_shown_and_progress_told(dataset: Dataset) -> None:
    shown: list[Picture] = []
    steps: list[int] = []
    model = fake("inverse", lambda image: 255 - image)
    measure(dataset, [model], "full", METRICS, lambda: steps.append(1), shown.append)
    assert [p.name for p in shown] == [p.name for p in dataset.pairs]
    assert np.array_equal(shown[0].restored["inverse"], 255 - shown[0].blurred)
    assert BLURRED not in shown[0].restored
    assert len(steps) == 2 * len(dataset.pairs)
    assert evenly(range(1111), 3) == [0, 370, 740]


@pytest.mark.skipif(not TEST_PAIRS.is_dir(), reason="shared/data is not here")
def test_the_blurred_row_on_real_pairs() -> None:
    """Against shared/data/README.md, which was computed by others' code."""
    result = measure(find_dataset(TEST_PAIRS), [], "full", METRICS)
    mean = result["models"][0]["mean"]
    assert len(result["models"][0]["images"]) == 8
    assert mean["psnr"] == pytest.approx(25.07, abs=0.01)
    assert mean["ssim"] == pytest.approx(0.790, abs=0.001)


def test_photos_without_truth_have_niqe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from skimage import data

    write(tmp_path / "photos" / "a" / "cat.png", data.chelsea())
    found = evaluate.run(tmp_path / "photos", [], metric_names=["niqe"], costs=False)
    (row,) = found["models"]
    assert row["images"][0]["name"] == "a/cat"
    assert 2 < row["mean"]["niqe"] < 12
    assert "without ground truth" in capsys.readouterr().out
    for layout in ("auto", "photos"):
        with pytest.raises(DataError, match=r"no pairs found|another metric \(niqe\)"):
            evaluate.run(tmp_path / "photos", [], layout=layout, costs=False)
