"""Winograd's convolution is the plain one in another order."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from unblur.nets import PaperGenerator
from unblur.nets.winograd import WinogradConv2d, speed_up


def pair(channels: int = 40, out: int = 33, bias: bool = True) -> tuple[nn.Conv2d, nn.Conv2d]:
    torch.manual_seed(0)
    plain = nn.Conv2d(channels, out, 3, padding=1, bias=bias)
    fast = copy.deepcopy(plain)
    speed_up(fast)
    assert type(fast) is WinogradConv2d
    return plain, fast


def all_of(layer: nn.Conv2d, image: Tensor) -> list[Tensor]:
    """The output and the gradients of its square."""
    image = image.clone().requires_grad_()
    out = layer(image)
    return [out, *torch.autograd.grad(out.square().sum(), [image, *layer.parameters()])]


@pytest.mark.parametrize("shape", [(1, 40, 4, 4), (2, 40, 8, 12)])
@pytest.mark.parametrize("bias", [True, False])
def test_output_and_gradients_are_those_of_the_plain_one(
    shape: tuple[int, ...], bias: bool
) -> None:
    plain, fast = pair(bias=bias)
    image = torch.randn(shape).to(memory_format=torch.channels_last)
    exact = all_of(plain.double(), image.double())
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-4)):
        for ours, theirs in zip(all_of(fast.to(dtype), image.to(dtype)), exact, strict=True):
            assert ours.dtype == dtype
            assert (ours - theirs).abs().max() < tolerance * theirs.abs().max()


def test_what_does_not_learn_gets_no_gradient() -> None:
    plain, fast = pair()
    image = torch.randn(1, 40, 8, 8)
    fast.weight.requires_grad_(False)
    fast(image).square().sum().backward()
    assert fast.weight.grad is None
    assert fast.bias is not None
    assert plain.bias is not None
    (expected,) = torch.autograd.grad(plain(image).square().sum(), plain.bias)
    torch.testing.assert_close(fast.bias.grad, expected, rtol=1e-4, atol=1e-3)


def test_evaluation_and_other_sides_are_left_as_they_are() -> None:
    plain, fast = pair()
    image, odd = torch.randn(1, 40, 8, 8), torch.randn(1, 40, 6, 8)
    assert torch.equal(fast.eval()(image), plain(image))
    assert torch.equal(fast.train()(odd), plain(odd))
    assert not torch.equal(fast(image), plain(image))


def test_only_wide_plain_3x3_convolutions_are_taken_and_weights_keep_their_names() -> None:
    net = PaperGenerator(widths=(32, 32, 32), trunk=32, up=(32, 16), blocks=2)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    speed_up(net)
    taken = {name for name, layer in net.named_modules() if isinstance(layer, WinogradConv2d)}
    assert taken == {"trunk.0.conv", "trunk.2.conv", "up1"}
    after = net.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
