"""The default network: its context, its reach, and its folded form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.reference.gated import mean_around
from unblur.nets import GatedUNet
from unblur.nets.folded import SCALE, folded, unfolded
from unblur.nets.gated_unet import CELL, SPAN, GatedBlock, GatedUNetConfig, RMSNorm, local_mean

SMALL = GatedUNetConfig((8, 12, 16), (1, 1, 2))


def random_net() -> GatedUNet:
    """Small, with no parameter at a value that would hide it."""
    net = GatedUNet(SMALL).eval()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.3)
    return net


@pytest.mark.parametrize("shape", [(64, 48), (4, 40), (24, 200)])
def test_the_local_mean_is_that_of_the_cells_around(shape: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *shape, dtype=torch.float64)
    torch.testing.assert_close(local_mean(x, 4), mean_around(x, 4))


def test_a_block_sees_as_far_as_its_context_and_no_further() -> None:
    cell, middle, cells = 4, 8, 17
    block = GatedBlock(8, cell).double()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.3)
    x = torch.randn(1, 8, cells * cell, cells * cell, dtype=torch.float64)
    other = x.clone()
    # Inside a cell, so that the 3x3 convolution stays in it.
    other[..., middle * cell + 1, middle * cell + 1] += 1
    with torch.no_grad():
        changed = (block(other) - block(x)).abs().amax(1)[0]
    seen = changed.unflatten(0, (-1, cell)).unflatten(2, (-1, cell)).amax((1, 3)) > 0
    around = slice(middle - SPAN // 2, middle + SPAN // 2 + 1)
    expected = torch.zeros_like(seen)
    expected[around, around] = True
    assert torch.equal(seen, expected)


def test_the_norm_takes_the_scale_of_a_pixel_away_and_nothing_else() -> None:
    norm, x = RMSNorm(6).double(), torch.randn(2, 6, 5, 4, dtype=torch.float64)
    out = norm(x)
    torch.testing.assert_close(out, norm(7 * x), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        torch.nn.functional.cosine_similarity(out, x), torch.ones(2, 5, 4, dtype=torch.float64)
    )
    torch.testing.assert_close(
        out.square().mean(1), torch.ones(2, 5, 4, dtype=torch.float64), rtol=1e-4, atol=1e-4
    )


def test_folding_changes_nothing_and_can_be_undone() -> None:
    net = random_net().double()
    small = folded(net)
    image = torch.rand(1, 3, 4 * CELL, 3 * CELL, dtype=torch.float64) * 2 - 1
    again = GatedUNet(SMALL).eval().double()
    again.load_state_dict(unfolded(small.state_dict(), net.state_dict()))
    assert {float(x) for name, values in again.state_dict().items() if "scale" in name
            for x in values.flatten()} == {SCALE}  # fmt: skip
    refolded = folded(again).state_dict()
    assert all(torch.equal(refolded[name], value) for name, value in small.state_dict().items())
    with torch.no_grad():
        whole: Tensor = net(image)
        assert (whole - image).abs().mean() > 0.01
        torch.testing.assert_close(small(image), whole, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(again(image), whole, rtol=1e-6, atol=1e-6)
