from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from tests.reference import spectral as naive
from unblur.nets import SpectralGenerator
from unblur.nets.spectral import (
    LARGEST,
    WINDOW,
    InverseFilters,
    LocalSpectra,
    fold,
    inverse_basis,
    log_power,
)


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Noise whose power falls with the square of the frequency, as photographs' does."""
    draw = torch.Generator().manual_seed(seed)
    fy, fx = torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)
    fall = 1 / torch.hypot(fy, fx).clamp_min(0.5 / width)
    noise = torch.randn(3, height, width, generator=draw)
    made = torch.fft.ifft2(torch.fft.fft2(noise) * fall).real
    return 0.4 * made / made.std()


def test_spectra_are_fourier_transforms_around_each_cell() -> None:
    spectra = LocalSpectra(8)
    image = picture(48, 64)[None]
    grey = image.mean(1, keepdim=True)
    grey = grey - F.avg_pool2d(grey, 15, 1, 7, count_include_pad=False)
    grey = F.pad(grey, ((WINDOW - 8) // 2,) * 4, mode="replicate")[0, 0]
    found = spectra(image)[0]
    assert found.shape == (spectra.channels, 6, 8)
    for i, j in ((0, 0), (3, 5), (5, 7)):
        wanted = naive.spectrum(grey, 8 * i, 8 * j, WINDOW).flatten()
        torch.testing.assert_close(found[:, i, j], wanted, rtol=1e-4, atol=1e-4)


def test_filters_folded_and_plain_agree() -> None:
    filters = InverseFilters(5, taps=9, longest=6.0, cell=4)
    bank = inverse_basis(5, 9, 6.0)
    image = picture(24, 32)
    everywhere = torch.randn(5, generator=torch.Generator().manual_seed(1))
    found = filters(image[None], everywhere[None, :, None, None].expand(1, 5, 6, 8))[0]
    wanted = (everywhere[:, None, None, None] * naive.answers(image, bank)).sum(0)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert torch.equal(filters.bank, fold(bank, 1))


def test_filters_leave_even_areas_alone() -> None:
    bank = inverse_basis(8, 17, 12.0)
    torch.testing.assert_close(bank.sum((1, 2)), torch.zeros(8), atol=1e-5, rtol=0)


def test_few_filters_undo_a_motion_that_they_never_saw() -> None:
    """The best sum of 40 of them takes 2 dB of the error from a straight blur of 7 pixels."""
    sharp = picture(128, 128)
    f = torch.fft.fftfreq(128)
    t = torch.linspace(-3.5, 3.5, 57) * 1.0
    angle = 0.7
    wave = f * t[:, None, None] * math.cos(angle) + f[:, None] * t[:, None, None] * math.sin(angle)
    motion = torch.polar(torch.ones(()), -2 * math.pi * wave).mean(0)
    blurred = torch.fft.ifft2(torch.fft.fft2(sharp) * motion).real
    inner = (slice(None), slice(None), slice(16, -16), slice(16, -16))
    terms = naive.answers(blurred, inverse_basis(40, 17, 12.0))[inner].flatten(1).T
    error = (sharp - blurred)[None][inner].flatten()
    best = torch.linalg.lstsq(terms, error[:, None]).solution[:, 0]
    left = (error - terms @ best).square().mean() / error.square().mean()
    assert left < 0.6


def test_spectra_tell_the_direction_of_a_blur() -> None:
    """Across the motion the power stays; along it, it falls."""
    image = picture(96, 96)[None]
    across = F.avg_pool2d(image, (1, 9), 1, (0, 4))
    down = F.avg_pool2d(image, (9, 1), 1, (4, 0))
    levels = [log_power(LocalSpectra(8)(x), 9)[0, :-1, 6, 6] for x in (across, down)]
    horizontal, vertical = levels[0].view(WINDOW // 2 + 1, WINDOW), levels[1].view(17, WINDOW)
    assert horizontal[5:, 0].mean() < vertical[5:, 0].mean() - 0.5
    assert horizontal[0, 5:16].mean() > vertical[0, 5:16].mean() + 0.5


def test_a_shift_by_a_cell_shifts_the_answer() -> None:
    torch.manual_seed(0)
    net = SpectralGenerator((8, 8, 16), (1, 1, 2), 4, estimator=16, filters=(8, 8)).eval()
    image = picture(256, 320)[None].clamp(-1, 1)
    with torch.no_grad():
        whole, moved = net(image), net(image[..., 16:])
    inner = slice(112, -112)
    torch.testing.assert_close(
        whole[..., inner, 128:-112], moved[..., inner, 112:-112], atol=2e-5, rtol=0
    )


def test_large_changes_are_made_in_part() -> None:
    """Small ones hardly less, none more than `LARGEST`; in training all of them whole."""
    torch.manual_seed(0)
    net = SpectralGenerator((8, 8, 16), (1, 1, 2), estimator=16, filters=(8, 8))
    with torch.no_grad():
        net.refine.tail.weight.mul_(200)
        image = 0.3 * picture(64, 64)[None]
        whole = net(image) - image
        part = net.eval()(image) - image
    small, large = whole.abs() < LARGEST / 20, whole.abs() > 3 * LARGEST
    assert small.any()
    assert large.any()
    torch.testing.assert_close(part[small], whole[small], rtol=2e-3, atol=1e-5)
    assert part.abs().max() <= LARGEST + 1e-6
    assert (part * whole >= 0).all()
