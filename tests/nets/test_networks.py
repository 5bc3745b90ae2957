from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from unblur.nets import (
    NETWORKS,
    DeblurGANGenerator,
    Discriminator,
    GatedUNet,
    Generator,
    PaperGenerator,
)
from unblur.nets.paper import DiscriminatorConfig, PaperConfig


def networks() -> list[nn.Module]:
    torch.manual_seed(0)
    return [
        PaperGenerator(),
        GatedUNet(),
        DeblurGANGenerator(),
        PaperGenerator(PaperConfig("criss-cross", (8, 8, 16), trunk=16, up=(8, 8), blocks=2)),
        Discriminator(DiscriminatorConfig(64, (8, 16))),
    ]


def open_attention(net: nn.Module) -> None:
    """gamma and some weights start at 0, which holds back the gradient of what is behind them."""
    for name, parameter in net.named_parameters():
        if name.endswith("gamma") or not parameter.any():
            nn.init.constant_(parameter, 0.1)


@pytest.mark.parametrize("index", range(5))
def test_every_parameter_gets_a_gradient(index: int) -> None:
    net = networks()[index]
    open_attention(net)
    net(torch.rand(2, 3, 64, 64) * 2 - 1).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("net", [network() for _, network in NETWORKS.values()])
@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (2, 3, 48, 80)])
def test_generators_keep_the_size(net: Generator, shape: tuple[int, ...]) -> None:
    out = net.eval()(torch.rand(shape) * 2 - 1)
    assert out.shape == shape
    assert out.abs().max() <= 1


def test_generators_clip_only_outside_training() -> None:
    for net in networks()[:4]:
        image = torch.full((2, 3, 32, 32), 3.0)
        assert net.eval()(image).max() == 1
        assert net.train()(image).max() > 1


def test_paper_generator_has_the_papers_layers() -> None:
    net = PaperGenerator()
    shapes = {name: tuple(p.shape) for name, p in net.named_parameters() if p.ndim == 4}
    assert shapes["layer1.weight"] == (64, 3, 7, 7)
    assert shapes["layer2.weight"] == (256, 64, 3, 3)
    assert shapes["layer3.weight"] == (512, 256, 3, 3)
    assert shapes["layer4.weight"] == (3, 64, 7, 7)
    blocks = [s for name, s in shapes.items() if name.endswith(".conv.weight")]
    assert blocks == [(256, 512, 3, 3)] + [(256, 256, 3, 3)] * 8
    assert sum(name.endswith("gamma") for name, _ in net.named_parameters()) == 9


def test_deblurgan_has_its_layers() -> None:
    """Counted by hand from its section 3.3, without offsets before instance norm."""
    shapes = [tuple(p.shape) for p in DeblurGANGenerator().parameters() if p.ndim == 4]
    ends = [(64, 3, 7, 7), (128, 64, 3, 3), (256, 128, 3, 3)]
    assert shapes == [
        *ends, *[(256, 256, 3, 3)] * 18, (256, 128, 3, 3), (128, 64, 3, 3), (3, 64, 7, 7),
    ]  # fmt: skip


def test_without_attention_the_other_weights_keep_their_names() -> None:
    whole, bare = PaperGenerator(), PaperGenerator(PaperConfig("none"))
    missing = whole.state_dict().keys() - bare.state_dict().keys()
    assert bare.state_dict().keys() < whole.state_dict().keys()
    assert all(name.split(".")[-2] in ("query", "key", "value") or name.endswith("gamma")
               for name in missing)  # fmt: skip


def test_the_default_network_is_light() -> None:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        GatedUNet()(torch.zeros(1, 3, 256, 256))
    assert 4.5e9 <= counter.get_total_flops() / 2 <= 5.5e9


def test_discriminator_scores_are_probabilities_of_one_size_only() -> None:
    net = Discriminator(DiscriminatorConfig(64, (8, 16)))
    scores = net(torch.rand(3, 3, 64, 64))
    assert scores.shape == (3, 1)
    assert ((scores > 0) & (scores < 1)).all()
    with pytest.raises(ValueError, match="64x64 images, not 32x64"):
        net(torch.rand(1, 3, 64, 32))
    with pytest.raises(ValueError, match="multiple of 4"):
        Discriminator(DiscriminatorConfig(62, (8, 16)))


def test_default_discriminator_takes_the_papers_images() -> None:
    assert Discriminator().eval()(torch.zeros(1, 3, 256, 256)).shape == (1, 1)
