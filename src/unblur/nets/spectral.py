"""The default network: reads the blur off the spectrum, inverts it with fixed filters, refines."""

from __future__ import annotations

import functools
import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from unblur.nets.attention import attention as attention_of
from unblur.nets.lite import LiteGenerator, ResidualBlock

WINDOW = 32
"""Side of the squares whose spectra are taken, in pixels of the map that they are taken from."""
CELL = 16
"""Side of the squares that share one estimate of the blur, in pixels of the photo."""
LARGEST = 0.27
"""No pixel changes by more, of [-1, 1]: small changes are made whole, large ones, which bright
edges ask for, in part, since a wrong estimate costs most there (docs/training-log.md)."""


class SpectralGenerator(nn.Module):
    """Blurred image in, sharp image out, both in [-1, 1], any H x W that is a multiple of 16.

    Convolutions are slow to learn which blur a photo has (docs/training-log.md), although much is
    known about it. What is known is built in:

    1. A motion blur multiplies a picture's spectrum; its zeros and its falling sides tell length
       and direction. `LocalSpectra` takes the logarithm of the power spectrum around each cell, and
       a small network with crosshatch attention, by which cells without texture look to those with,
       estimates from it the blur of the cell.
    2. The estimate is a handful of coefficients: the best linear inverses (Wiener filters) of all
       motion blurs lie near a space of few dimensions, that `InverseFilters` spans at 1/2 and 1/4
       of the size. The sum of its answers, each times its coefficient, is a first restoration.
    3. `LiteGenerator`, which sees the photo, the first restoration and the estimate, refines it.
       Outside training, large changes are made in part (`LARGEST`).

    Args:
        widths, blocks, reach: of the `LiteGenerator`.
        reader: channels between the spectra and the estimate.
        estimator: channels of the network that estimates the blur.
        filters: how many filters there are at 1/2 and at 1/4 of the size.
        estimator_reach: how far its attention looks, in cells.
    """

    multiple = CELL

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 64, 160),
        blocks: tuple[int, ...] = (1, 1, 4),
        reach: int = 32,
        reader: int = 768,
        estimator: int = 192,
        filters: tuple[int, ...] = (40, 32),
        estimator_reach: int = 8,
    ) -> None:
        super().__init__()
        self.half_spectra, self.quarter_spectra = LocalSpectra(8), LocalSpectra(4)
        known = 3 * (LocalSpectra.channels + 1)
        self.reader = nn.Sequential(
            nn.Conv2d(known, reader, 1), nn.ReLU(), nn.Conv2d(reader, estimator, 1)
        )
        blocks_around = ResidualBlock(estimator), ResidualBlock(estimator)
        looks = attention_of("crosshatch", estimator, reach=estimator_reach)
        self.neighbours = nn.Sequential(blocks_around[0], looks, blocks_around[1])
        self.half_filters = InverseFilters(filters[0], taps=17, longest=12.0, cell=8)
        self.quarter_filters = InverseFilters(filters[1], taps=25, longest=12.0, cell=4)
        self.coefficients = nn.Conv2d(estimator, sum(filters), 1)
        self.refine = LiteGenerator(widths, blocks, reach, context=estimator)
        with torch.no_grad():
            for parameter in self.coefficients.parameters():
                parameter.mul_(0.1)
            for block in blocks_around:
                # The identity at first: what is fitted cell by cell holds among neighbours.
                for parameter in block.conv2.parameters():
                    parameter.zero_()

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        first, estimate = self.first(image)
        out = self.refine(first, image, estimate)
        if self.training:
            return out
        return (image + LARGEST * ((out - image) / LARGEST).tanh()).clamp(-1, 1)

    def first(
        self, image: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b e i j"]]:
        """The first restoration, and the estimate of the blur of each cell."""
        half, quarter = halves(image)
        estimate = self.neighbours(self.reader(self.known(half, quarter)))
        at_half, at_quarter = self.coefficients(estimate).split(
            [self.half_filters.count, self.quarter_filters.count], 1
        )
        change = self.half_filters(half, at_half)
        change = change + enlarge(self.quarter_filters(quarter, at_quarter), 2)
        return image + enlarge(change, 2), estimate

    def fitted(self) -> list[nn.Parameter]:
        """What `unblur.estimator` fits."""
        return [*self.reader.parameters(), *self.coefficients.parameters()]

    def known(
        self, half: Float[Tensor, "b 3 h w"], quarter: Float[Tensor, "b 3 k l"]
    ) -> Float[Tensor, "b n i j"]:
        """What is read off the spectra: around each cell closely, widely, and at 1/4 size."""
        near, far = self.half_spectra(half), self.quarter_spectra(quarter)
        return torch.cat([log_power(near, 3), log_power(near, 9), log_power(far, 5)], 1)

    def answers(
        self, half: Float[Tensor, "b 3 h w"], quarter: Float[Tensor, "b 3 k l"]
    ) -> Float[Tensor, "b 3 f h w"]:
        """What each filter adds, at 1/2 size; the first restoration adds a sum of these."""
        coarse = self.quarter_filters.answers(quarter)
        finer = enlarge(coarse.flatten(1, 2), 2).unflatten(1, (3, -1))
        return torch.cat([self.half_filters.answers(half), finer], 2)


def halves(
    image: Float[Tensor, "b 3 h w"],
) -> tuple[Float[Tensor, "b 3 i j"], Float[Tensor, "b 3 k l"]]:
    """The image at 1/2 and 1/4 of its size."""
    half = F.avg_pool2d(image, 2)
    return half, F.avg_pool2d(half, 2)


class LocalSpectra(nn.Module):
    """The power spectrum of the grey picture around each cell: a windowed Fourier transform.

    Squares of `WINDOW` pixels every `stride` pixels, under a Hann window, centred on the cells; the
    picture's slow changes are taken out first, which would drown the rest. The transform is
    separable: one convolution along the rows, one along the columns.

    Args:
        stride: pixels of this map a cell.
    """

    channels = WINDOW * (WINDOW // 2 + 1)
    """Frequencies: all vertical ones, and the horizontal ones that are not negative."""
    across: Tensor
    down: Tensor

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride
        place = torch.arange(WINDOW)
        window = torch.hann_window(WINDOW, periodic=False)
        rows = torch.polar(window, -2 * math.pi / WINDOW * place * place[: WINDOW // 2 + 1, None])
        columns = torch.polar(window, -2 * math.pi / WINDOW * place * place[:, None])
        # Re and Im of a product of complex numbers, from Re and Im of the rows' transform.
        real = torch.stack([columns.real, -columns.imag], 1)
        imaginary = torch.stack([columns.imag, columns.real], 1)
        across = torch.stack([rows.real, rows.imag], 1).reshape(-1, 1, 1, WINDOW)
        down = torch.cat([real, imaginary])[..., None].repeat(len(rows), 1, 1, 1)
        self.register_buffer("across", across, persistent=False)
        self.register_buffer("down", down, persistent=False)

    def forward(self, picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b f i j"]:
        grey = picture.mean(1, keepdim=True)
        grey = grey - F.avg_pool2d(grey, 15, 1, 7, count_include_pad=False)
        around = (WINDOW - self.stride) // 2
        grey = F.pad(grey, (around,) * 4, mode="replicate")
        lines = F.conv2d(grey, self.across, stride=(1, self.stride))
        waves = F.conv2d(lines, self.down, stride=(self.stride, 1), groups=WINDOW // 2 + 1)
        parts = waves.float().unflatten(1, (WINDOW // 2 + 1, 2, WINDOW))
        return parts.square().sum(2).flatten(1, 2)


class InverseFilters(nn.Module):
    """`forward(picture, coefficients)`: the sum of a bank's answers, weighted place by place.

    The bank is `inverse_basis`, fixed. The coefficients are those of each cell, linear between.

    Args:
        count: filters of the bank.
        taps: their side, odd.
        longest: motion blur of up to so many pixels is what they can invert.
        cell: pixels of the picture a cell.
    """

    bank: Tensor

    def __init__(self, count: int, taps: int, longest: float, cell: int) -> None:
        super().__init__()
        self.count, self.cell = count, cell
        self.blocks = math.ceil((taps // 2) / FOLD)
        # Kept with the weights: the components' signs are another machine's choice.
        self.register_buffer("bank", fold(inverse_basis(count, taps, longest), self.blocks))

    def forward(
        self, picture: Float[Tensor, "b 3 h w"], coefficients: Float[Tensor, "b k i j"]
    ) -> Float[Tensor, "b 3 h w"]:
        return (self.answers(picture) * enlarge(coefficients, self.cell)[:, None]).sum(2)

    def answers(self, picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 k h w"]:
        """What each filter makes of each colour."""
        padded = F.pad(picture, (self.blocks * FOLD,) * 4, mode="replicate")
        planes = F.pixel_unshuffle(padded.flatten(0, 1)[:, None], FOLD)
        return F.pixel_shuffle(F.conv2d(planes, self.bank), FOLD).unflatten(0, (-1, 3))


def fold(bank: Float[Tensor, "k t t"], blocks: int) -> Float[Tensor, "o i n n"]:
    """Filters as one convolution of a picture whose squares of `FOLD` pixels became channels.

    A wide convolution of few taps takes half the time of a narrow one of many.

    Args:
        blocks: how many squares the convolution sees on either side.
    """
    taps = bank.shape[-1]
    side = (2 * blocks + 1) * FOLD
    first = blocks * FOLD - taps // 2
    shifted = []
    for dy in range(FOLD):
        for dx in range(FOLD):
            top, left = first + dy, first + dx
            shifted.append(F.pad(bank, (left, side - left - taps, top, side - top - taps)))
    return F.pixel_unshuffle(torch.stack(shifted, 1).flatten(0, 1)[:, None], FOLD)


FOLD = 4
"""Side of the squares of pixels that become channels while the filters run."""


def log_power(power: Float[Tensor, "b f i j"], cells: int) -> Float[Tensor, "b g i j"]:
    """The logarithm of spectra averaged over squares of cells, and its mean over the frequencies.

    Natural spectra fall with the square of the frequency; that is taken out.
    """
    mean = F.avg_pool2d(power, cells, 1, cells // 2, count_include_pad=False)
    horizontal = torch.arange(WINDOW // 2 + 1, device=power.device)
    vertical = WINDOW // 2 - (torch.arange(WINDOW, device=power.device) - WINDOW // 2).abs()
    square = horizontal[:, None] ** 2 + vertical**2
    slope = square.flatten().clamp(min=1).float().log()
    level = ((mean + NOISE).log() + slope[:, None, None] - 3) / 3
    whole = level.mean(1, keepdim=True)
    return torch.cat([level - whole, whole], 1)


NOISE = 1e-3
"""Power of what rounding to 8 bit adds, about: below it there is nothing to see."""


@functools.cache
def inverse_basis(count: int, taps: int, longest: float) -> Float[Tensor, "k t t"]:
    """The main directions among the inverses of motion blurs, less the identity.

    Wiener filters of 800 blurs along arcs of up to `longest` pixels, for pictures whose power
    falls with the square of the frequency and little noise; of what they add to such pictures, the
    principal components (uncentred). Each is cut to `taps`, freed of its answer to a constant, and
    scaled to an answer of 0.05 (root mean square) to such pictures.
    """
    side = 64
    f = torch.fft.fftfreq(side)
    fy, fx = torch.meshgrid(f, f, indexing="ij")
    power = 1 / (fx**2 + fy**2).clamp_min((0.5 / side) ** 2)
    blur = _arcs(800, longest, f)
    inverse = blur.conj() / (blur.abs().square() + 3e-4 / (power / power.max()))
    added = torch.fft.ifft2((inverse - 1) * power.sqrt()).real.flatten(1)
    # By the small matrix of products: the components are sums of the rows.
    _, shares = torch.linalg.eigh(added @ added.T)
    directions = (shares.flip(1)[:, :count].T @ added).view(count, side, side)
    spectra = torch.fft.fft2(directions) / power.sqrt()
    bank = torch.fft.fftshift(torch.fft.ifft2(spectra).real, dim=(1, 2))
    middle = slice(side // 2 - taps // 2, side // 2 + taps // 2 + 1)
    bank = bank[:, middle, middle]
    bank = bank - bank.mean((1, 2), keepdim=True)
    answer = torch.fft.fft2(bank, s=(side, side)).abs().square() * power
    # A picture's own spread is about 0.5 of [-1, 1].
    spread = (answer.sum((1, 2)) / power[fx**2 + fy**2 > 0].sum()).sqrt() * 0.5
    return bank * (0.05 / spread)[:, None, None]


def _arcs(count: int, longest: float, f: Float[Tensor, " n"]) -> Tensor:
    """Fourier transforms of motions along parabolas, even in time, about their centre of mass."""
    draw = torch.Generator().manual_seed(0)
    length, angle, bend = torch.rand(3, count, 1, generator=draw)
    length, angle, bend = length * longest, angle * 2 * math.pi, (bend - 0.5) * 2
    t = torch.linspace(-0.5, 0.5, 33)
    along, aside = t * length, bend * (t**2 - (t**2).mean()) * length
    x = along * angle.cos() - aside * angle.sin()
    y = along * angle.sin() + aside * angle.cos()
    waves = [torch.polar(torch.ones(()), -2 * math.pi * f * k[..., None]) for k in (y, x)]
    return torch.einsum("ntv,nth->nvh", *waves) / len(t)


def enlarge(x: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b c i j"]:
    """Linear between the middles of the pixels."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
