"""A start for `SpectralGenerator`: its estimate of the blur, fitted to cells of pictures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from unblur.config import FitConfig
from unblur.nets import SpectralGenerator
from unblur.nets.spectral import CELL, halves

SIDE = 256
"""Of the crops that cells are taken from, in pixels."""
PLACES = range(3, SIDE // CELL - 3, 4)
"""Rows and columns of the cells that are taken from a crop."""
AROUND = 24
"""A cell's coefficients are judged on so many pixels of the half-size picture on each side."""
SHARP = 2e-5
"""Cells with a smaller mean squared error teach nothing."""
FLOOR = 2e-4
"""Added to mean squared errors before their root, so that near-sharp cells do not rule."""


@dataclass
class Cells:
    """What the fit needs of many cells; a cell's squared error is a parabola in its coefficients.

    With the answers A of the filters around a cell and the error d = sharp - blurred that they are
    to remove, the mean of (d - A w)^2 is `error - 2 w.toward + w.products.w`.
    """

    known: Float[Tensor, "n k"]
    products: Float[Tensor, "n f f"]
    toward: Float[Tensor, "n f"]
    error: Float[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.error)

    def left(self, chosen: Tensor, coefficients: Float[Tensor, "m f"]) -> Float[Tensor, " m"]:
        """The mean squared error that coefficients leave in the chosen cells."""
        times = (self.products[chosen] @ coefficients[..., None])[..., 0]
        change = (coefficients * (times - 2 * self.toward[chosen])).sum(1)
        return (self.error[chosen] + change).clamp_min(0)


def fit_estimator(net: SpectralGenerator, cells: Cells, config: FitConfig) -> float:
    """Sets the reader and the coefficients of a network so that its first restoration is good.

    Trained with the rest, the estimate learns late: every step sees the blur of few crops, for the
    price of a whole network. Here the filters run once over each crop; what is left is a small
    network on the cells' spectra and a squared error in closed form, so that passes over all cells
    take seconds.

    Returns:
        The gain in dB on the last twelfth of the cells, which was not fitted to.
    """
    held = torch.arange(len(cells) - max(1, len(cells) // 12), len(cells))
    count = len(cells) - len(held)
    optimizer = torch.optim.AdamW(net.fitted(), config.lr, weight_decay=0.02)
    draw = torch.Generator().manual_seed(0)
    for epoch in range(config.epochs):
        for group in optimizer.param_groups:
            group["lr"] = config.lr * (0.5 + 0.5 * math.cos(math.pi * epoch / config.epochs)) + 1e-5
        for chosen in torch.randperm(count, generator=draw).split(128):
            left = cells.left(chosen, _coefficients(net, cells.known[chosen], config.dropout))
            optimizer.zero_grad()
            (left + FLOOR).sqrt().mean().backward()
            nn.utils.clip_grad_norm_(net.fitted(), 1.0)
            optimizer.step()
    with torch.no_grad():
        left = cells.left(held, _coefficients(net, cells.known[held], 0.0))
    return -10 * math.log10(float(left.sum() / cells.error[held].sum()))


@torch.no_grad()
def gather_cells(
    net: SpectralGenerator,
    batch: Callable[[int], tuple[Tensor, Tensor]],
    count: int,
    report: Callable[[int, int], None] = lambda done, total: None,
    enough: Callable[[], bool] = lambda: False,
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Cells:
    """At least `count` cells that are not sharp, of as many batches as it takes.

    Args:
        batch: blurred and sharp crops (b, 3, `SIDE`, `SIDE`) in [-1, 1] of a number from 0.
        report: called with the number of cells that are there, and that there will be.
        enough: asked after each batch whether to do with the cells that there are.
        autocast: what the filters' precision is chosen by.
    """
    parts: list[tuple[Tensor, ...]] = []
    step = there = 0
    while there < count and not (there and enough()):
        blurred, sharp = batch(step)
        half, quarter = halves(blurred)
        known = net.known(half, quarter)
        with autocast():
            answers = net.answers(half, quarter)
        missing = halves(sharp)[0] - half
        for i, j in itertools.product(PLACES, repeat=2):
            rows, columns = _around(i), _around(j)
            terms = answers[..., rows, columns].float().transpose(1, 2).flatten(2)
            wanted = missing[..., rows, columns].flatten(1)
            error = wanted.square().mean(1)
            kept = error >= SHARP
            products = terms @ terms.mT / wanted.shape[1]
            toward = torch.einsum("bfn,bn->bf", terms, wanted) / wanted.shape[1]
            found = known[..., i, j].half(), products, toward, error
            parts.append(tuple(part[kept] for part in found))
            there += int(kept.sum())
        step += 1
        report(min(count, there), count)
    return Cells(*(torch.cat(side) for side in zip(*parts, strict=True)))


def _around(cell: int) -> slice:
    middle = CELL // 2 * cell + CELL // 4
    return slice(max(0, middle - AROUND), middle + AROUND)


def _coefficients(
    net: SpectralGenerator, known: Float[Tensor, "n k"], dropout: float
) -> Float[Tensor, "n f"]:
    """The network's coefficients for cells on their own, with some of what it thinks left out."""
    first, relu, second = net.reader
    out = F.dropout(relu(_linear(first, known.float())), dropout)
    out = F.dropout(_linear(second, out), dropout)
    return _linear(net.coefficients, out).float()


def _linear(convolution: nn.Module, cells: Float[Tensor, "n i"]) -> Float[Tensor, "n o"]:
    """A 1x1 convolution of single places, which is several times faster so."""
    assert isinstance(convolution, nn.Conv2d)
    return F.linear(cells, convolution.weight.flatten(1), convolution.bias)
