from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from tests.nets.test_spectral import picture
from unblur.config import FitConfig
from unblur.estimator import AROUND, SIDE, fit_estimator, gather_cells
from unblur.nets import SpectralGenerator
from unblur.nets.spectral import CELL, halves


def network() -> SpectralGenerator:
    torch.manual_seed(0)
    return SpectralGenerator((8, 8, 16), (1, 1, 2), estimator=16, filters=(12, 4))


def swept(step: int) -> tuple[Tensor, Tensor]:
    """Two pictures, swept over 9 pixels along the rows."""
    sharp = torch.stack([picture(SIDE, SIDE, 2 * step + i) for i in range(2)])
    return F.avg_pool2d(F.pad(sharp, (4, 4, 0, 0), mode="replicate"), (1, 9), 1), sharp


def test_a_cells_error_is_the_filters() -> None:
    net = network()
    cells = gather_cells(net, swept, 18)
    assert len(cells) == 18
    weights = torch.randn(16, generator=torch.Generator().manual_seed(1)) * 0.1
    blurred, sharp = (halves(x[:1])[0] for x in swept(0))
    everywhere = [w[None, :, None, None].expand(1, -1, 16, 16) for w in weights.split([12, 4])]
    change = net.half_filters(blurred, everywhere[0])
    coarse = net.quarter_filters(F.avg_pool2d(blurred, 2), everywhere[1])
    change = change + F.interpolate(coarse, scale_factor=2, mode="bilinear")
    middle = CELL // 2 * 7 + CELL // 4
    around = slice(middle - AROUND, middle + AROUND)
    # Places are 3, 7 and 11, each with the cells of both pictures: the fifth is (7, 7).
    wanted = (sharp - blurred - change)[..., around, around].square().mean()
    found = cells.left(torch.tensor([8]), weights[None])[0]
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-6)


def test_the_fit_undoes_a_blur_and_touches_nothing_else() -> None:
    net = network()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    config = FitConfig(cells=36, epochs=150, lr=3e-3, dropout=0.0)
    assert fit_estimator(net, gather_cells(net, swept, config.cells), config) > 0.2
    changed = {n.split(".")[0] for n, v in net.state_dict().items() if not v.equal(before[n])}
    assert changed == {"reader", "coefficients"}
    blurred, sharp = swept(1000)
    with torch.no_grad():
        first, _ = net.first(blurred)
    inner = slice(32, -32)
    errors = [(x - sharp)[..., inner, inner].square().mean() for x in (first, blurred)]
    assert errors[0] < errors[1]
