"""The head that measures blur is trained towards the truth."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.evaluate.models import own
from tests.files import write
from unblur.blur.config import BlurConfig
from unblur.errors import CheckpointError, DataError
from unblur.nets import GatedUNet, checkpoint
from unblur.nets.blur_head import BlurHead, blurred, from_log, to_log
from unblur.training import blur_head
from unblur.training.blur_head import Examples, head_loss, train_blur_head
from unblur.training.config import DataConfig
from unblur.training.data import TrainingData

SMALL = (
    (1.0, BlurConfig(max_length=12, noise_share=0)),
    (1.0, BlurConfig(sharp_share=1, max_length=4)),
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small crops, few at a time."""
    monkeypatch.setattr(blur_head, "CROP", 96)
    monkeypatch.setattr(blur_head, "BATCH", 4)
    monkeypatch.setattr(blur_head, "KINDS", SMALL)


@pytest.fixture
def photos(tmp_path: Path, rng: np.random.Generator) -> Path:
    for index in range(3):
        image = rng.integers(0, 256, (80, 80, 3), np.uint8).repeat(4, 0).repeat(4, 1)
        write(tmp_path / "photos" / f"{index}.png", image)
    return tmp_path / "photos"


def truth(length: float, angle: float, radius: float = 0.0) -> Tensor:
    """What is true of one cell with a straight path."""
    x, y = np.cos(angle) ** 2, np.sin(angle) ** 2
    spread = [length**2 / 12 * v for v in (x, y, np.cos(angle) * np.sin(angle))]
    return torch.tensor([length, *spread, radius, 1.0])[None, :, None, None]


def raw(length: float, angle: float, radius: float, weight: float = 0.0) -> Tensor:
    """The numbers that say so, quite surely."""
    sure = [-2.0, np.cos(2 * angle), np.sin(2 * angle)]
    log = [float(to_log(torch.tensor(v))) for v in (length, radius)]
    return torch.tensor([log[0], *sure, log[1], -1.5, 4.0, weight])[None, :, None, None]


def loss(
    numbers: Tensor, true: Tensor, gains: tuple[float, float, float] = (1e-3, 0, 1e-3)
) -> float:
    textured, cell = torch.full((1, 1, 1), 9.0), torch.tensor(gains)[None, :, None, None]
    return float(head_loss(numbers, true, cell, textured, torch.ones(1)))


@pytest.mark.parametrize(("length", "angle", "radius"), [(10, 0.4, 0), (30, 2.0, 0), (4, 1.2, 3)])
def test_the_loss_is_least_at_the_truth(length: float, angle: float, radius: float) -> None:
    true = truth(length, angle, radius)
    best = loss(raw(length, angle, radius), true)
    for other in (
        (1.3 * length, angle, radius), (length / 1.3, angle, radius), (length, angle + 0.3, radius),
        (length, angle - 0.3, radius), (length, angle, radius + 0.5),
        (length, angle + 1.57, radius),
    ):  # fmt: skip
        assert loss(raw(*other), true) > best + 0.01, other
    # A direction is one of a line: half a turn changes nothing.
    assert loss(raw(length, angle + np.pi, radius), true) == pytest.approx(best, abs=1e-5)


def test_whoever_is_unsure_pays_less_for_an_error_and_more_for_the_truth() -> None:
    right, wrong = raw(10, 0, 0), raw(30, 0, 0)
    unsure = [numbers.clone() for numbers in (right, wrong)]
    for numbers in unsure:
        numbers[:, 1] = 1.0
    true = truth(10, 0)
    assert loss(right, true) < loss(unsure[0], true)
    assert loss(unsure[1], true) < loss(wrong, true)


@pytest.mark.parametrize("best", [0.2, 0.5, 0.8])
def test_the_weight_is_that_which_leaves_the_least_error(best: float) -> None:
    # e^2 - 2 w e d + w^2 d^2 is least at w = e d / d^2.
    gains = (3e-3, best * 2e-3, 2e-3)
    logits = torch.linspace(-4, 4, 81)
    losses = [loss(raw(10, 0, 0, float(logit)), truth(10, 0), gains) for logit in logits]
    found = float(logits[int(np.argmin(losses))].sigmoid())
    assert found == pytest.approx(best, abs=0.03)


def test_harm_costs_more_than_the_same_gain_brings() -> None:
    def ratio(gained: float) -> float:
        gains = torch.tensor([1e-3, gained, 0.0])[None, :, None, None]
        return float(blur_head._weight_loss(torch.ones(1, 1, 1), gains))

    assert ratio(0) == pytest.approx(0, abs=1e-6)
    assert ratio(-1e-4) > -1.5 * ratio(1e-4) > 0


def test_logarithms_are_turned_back() -> None:
    pixels = torch.tensor([0.0, 0.5, 7.0, 300.0])
    torch.testing.assert_close(from_log(to_log(pixels)), pixels)
    assert float(from_log(torch.tensor(-3.0))) == 0


def test_little_blur_is_left_alone_and_less_so_in_cells_without_texture() -> None:
    extents = torch.tensor([0.0, 1.5, 2.0, 4.0, 8.0, 50.0])
    textured, plain = (blurred(extents, torch.full_like(extents, sure)) for sure in (0.9, 0.1))
    torch.testing.assert_close(textured, torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]))
    torch.testing.assert_close(plain, torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0, 1.0]))
    between = blurred(torch.tensor(3.0), torch.tensor(0.9))
    assert 0 < float(between) < 1


def test_planes_are_what_the_raw_numbers_say() -> None:
    head = BlurHead(8, 12).eval()
    features = torch.randn(2, 8, 12, 20)
    with torch.no_grad():
        numbers, planes = head.raw(features), head(features)
        louder = head(3 * features)
    assert planes.shape == (2, 6, 6, 10)
    torch.testing.assert_close(planes[:, 0], from_log(numbers[:, 0]))
    torch.testing.assert_close(planes[:, 1:3], numbers[:, 2:4])
    torch.testing.assert_close(planes[:, 4], numbers[:, 6].sigmoid())
    assert bool((planes[:, 5] <= numbers[:, 7].sigmoid()).all())
    # Contrast is no blur.
    torch.testing.assert_close(louder, planes, rtol=1e-3, atol=1e-3)


@pytest.mark.usefixtures("small")
def test_the_examples_of_a_seed_are_the_same_in_any_number_of_threads(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, _, _ = checkpoint.load_generator(own(tmp_path / "net.safetensors"))
    assert isinstance(net, GatedUNet)

    def made(threads: int, seed: int) -> Examples:
        monkeypatch.setattr(blur_head.os, "cpu_count", lambda: threads)
        data = TrainingData(
            DataConfig(dirs=(str(photos),)), BlurConfig(), seed, torch.device("cpu")
        )
        return blur_head._examples(net, data, 12, lambda done: None)

    one, three, other = made(1, 5), made(3, 5), made(1, 6)
    for name, values in vars(one).items():
        assert torch.equal(values, getattr(three, name)), name
    assert not torch.equal(one.truth, other.truth)
    assert one.features.shape == (12, 16, 12, 12)
    assert one.truth.shape == (12, 6, 6, 6)
    assert one.gains.shape == (12, 3, 6, 6)
    assert float(one.gains[:, [0, 2]].min()) >= 0


@pytest.mark.usefixtures("small")
def test_a_head_learns(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses: list[float] = []

    def watched(*given: Tensor) -> Tensor:
        value = head_loss(*given)
        losses.append(float(value.detach()))
        return value

    monkeypatch.setattr(blur_head, "head_loss", watched)
    told: list[tuple[str, int, int]] = []
    head = train_blur_head(
        own(tmp_path / "net.safetensors"), photos, samples=10, steps=150,
        advance=lambda *news: told.append(news),
    )  # fmt: skip
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) - 0.5
    assert not head.training
    stages = {what: list(news) for what, news in itertools.groupby(told, key=lambda n: n[0])}
    assert stages["crops"][-1] == ("crops", 10, 10)
    assert [done for _, done, _ in stages["steps"]] == [*range(1, 151)]


def test_what_cannot_be_trained_on_is_named(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        train_blur_head(tmp_path / "none.onnx", photos)
    net = own(tmp_path / "net.safetensors")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        train_blur_head(net, tmp_path / "empty")
