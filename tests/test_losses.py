from __future__ import annotations

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from torch import Tensor, nn

from tests.reference import losses as naive
from unblur import losses
from unblur.losses import LossConfig
from unblur.nets import Discriminator
from unblur.nets.paper import DiscriminatorConfig


def arrays(rng: np.random.Generator, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(-2, 2, shape), rng.uniform(-2, 2, shape)


def tensors(*items: np.ndarray) -> list[Tensor]:
    return [torch.from_numpy(x).float() for x in items]


@pytest.mark.parametrize("name", ["discriminator_loss", "generator_loss"])
@pytest.mark.parametrize("batch", [1, 5])
def test_adversarial_losses_equal_their_equations(
    name: str, batch: int, rng: np.random.Generator
) -> None:
    real, fake = rng.random((2, batch, 1))
    got = getattr(losses, name)(*tensors(real, fake))
    assert float(got) == pytest.approx(getattr(naive, name)(real, fake), rel=1e-5)


def test_the_symmetric_generator_loss_adds_the_second_term(rng: np.random.Generator) -> None:
    real, fake = rng.random((2, 4, 1))
    got = losses.generator_loss(*tensors(real, fake), symmetric=True)
    wanted = naive.generator_loss(real, fake) + 0.5 * np.mean((real - fake.mean() + 1) ** 2)
    assert float(got) == pytest.approx(wanted, rel=1e-5)


def test_image_losses_equal_their_equations(rng: np.random.Generator) -> None:
    fake, real = arrays(rng, 2, 3, 9, 12)
    f, r = tensors(fake, real)
    assert float(losses.pixel_loss(f, r)) == pytest.approx(naive.smooth_l1(fake, real), rel=1e-5)
    wanted = np.mean(np.sqrt((fake - real) ** 2 + 1e-6))
    assert float(losses.pixel_loss(f, r, "charbonnier")) == pytest.approx(wanted, rel=1e-5)
    wanted = naive.gradient_loss(fake, real)
    assert float(losses.gradient_loss(f, r)) == pytest.approx(wanted, rel=1e-5)
    wanted = naive.frequency_loss(fake, real)
    assert float(losses.frequency_loss(f, r)) == pytest.approx(wanted, rel=1e-5)


def test_psnr_loss_is_psnr_up_to_a_floor(rng: np.random.Generator) -> None:
    fake, real = arrays(rng, 3, 3, 8, 8)
    f, r = tensors(fake, real)
    wanted = np.mean([naive.psnr(*pair) for pair in zip(fake, real, strict=True)])
    assert -10 / np.log(10) * float(losses.psnr_loss(f, r, floor=0.0)) == pytest.approx(wanted)
    for error in (0.0, 1e-4):
        loss = losses.psnr_loss(r + error, r)
        assert -10 / np.log(10) * float(loss) == pytest.approx(45.2, abs=0.1)


def test_content_loss_is_the_mean_square_of_feature_differences(rng: np.random.Generator) -> None:
    fake, real = arrays(rng, 2, 3, 8, 8)
    f, r = tensors(fake, real)
    got = losses.content_loss(lambda x: 2 * x[:, :1], f, r)
    assert float(got) == pytest.approx(np.mean(4 * (fake - real)[:, 0] ** 2), rel=1e-5)


def test_gradients_are_right() -> None:
    torch.manual_seed(0)
    images = [torch.randn(1, 3, 4, 5, dtype=torch.float64, requires_grad=True) for _ in "ab"]
    scores = [torch.rand(3, 1, dtype=torch.float64, requires_grad=True) for _ in "ab"]
    for loss in (losses.pixel_loss, losses.gradient_loss, losses.frequency_loss, losses.psnr_loss):
        assert torch.autograd.gradcheck(loss, images)
    for loss in (losses.discriminator_loss, losses.generator_loss):
        assert torch.autograd.gradcheck(loss, scores)


def test_hybrid_loss_is_the_weighted_sum_and_names_every_term() -> None:
    torch.manual_seed(0)
    config = LossConfig(frequency=3.0, psnr=2.0)
    fake, real = torch.rand(2, 2, 3, 32, 32)
    loss = losses.HybridLoss(
        config, nn.AvgPool2d(2), Discriminator(DiscriminatorConfig(32, (8,))).eval()
    )
    terms = loss(fake, real)
    weights = {"adversarial": 4, "content": 0.6, "pixel": 40, "gradient": 40}
    weights |= {"frequency": 3, "psnr": 2}
    assert terms.keys() == {*weights, "total"}
    total = sum(weight * terms[name].item() for name, weight in weights.items())
    assert terms["total"].item() == pytest.approx(total, rel=1e-5)


def test_a_term_of_weight_zero_is_not_computed() -> None:
    class Never(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise AssertionError("computed")

    config = replace(LossConfig(), adversarial=0.0, content=0.0)
    terms = losses.HybridLoss(config, Never(), Never())(*torch.rand(2, 1, 3, 8, 8))
    assert terms.keys() == {"pixel", "gradient", "total"}


def test_gradient_norms_are_each_terms_own_at_its_weight() -> None:
    x, idle = (nn.Parameter(torch.tensor(values)) for values in ([3.0, 4.0], [0.0]))
    terms = {"a": (x**2).sum() / 2, "b": 7 * x[0]}
    norms = losses.gradient_norms(terms, [x, idle])
    assert {name: float(norm) for name, norm in norms.items()} == {"a": 5.0, "b": 7.0}
    assert x.grad is None
    loss = losses.HybridLoss(LossConfig(0, 0, 40, 2))
    terms = loss(*torch.rand(2, 1, 3, 8, 8))
    weighted = loss.weighted(terms)
    assert weighted == {"pixel": 40 * terms["pixel"], "gradient": 2 * terms["gradient"]}


def test_a_missing_network_is_named() -> None:
    with pytest.raises(ValueError, match="content network"):
        losses.HybridLoss(LossConfig())
    with pytest.raises(ValueError, match="discriminator"):
        losses.HybridLoss(LossConfig(content=0.0))
