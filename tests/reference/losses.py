"""The equations of the losses in plain NumPy, written from the paper's text."""

from __future__ import annotations

import numpy as np


def discriminator_loss(r: np.ndarray, f: np.ndarray) -> float:
    d = 0.5 * np.mean((r - np.mean(f) - 1) ** 2) + 0.5 * np.mean((f - np.mean(r) + 1) ** 2)
    return float(d)


def generator_loss(r: np.ndarray, f: np.ndarray) -> float:
    return float(0.5 * np.mean((f - np.mean(r) - 1) ** 2))


def smooth_l1(fake: np.ndarray, real: np.ndarray) -> float:
    d = np.abs(fake - real)
    return float(np.mean(np.where(d < 1, 0.5 * d**2, d - 0.5)))


def gradient_loss(fake: np.ndarray, real: np.ndarray) -> float:
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    planes = (fake - real).reshape(-1, *fake.shape[2:])  # correlation is linear
    errors = [np.abs(_correlate(d, k)) for d in planes for k in (kernel, kernel.T)]
    return float(np.mean(errors))


def frequency_loss(fake: np.ndarray, real: np.ndarray) -> float:
    """Over the half of the spectrum that a real image's transform keeps."""
    d = np.fft.rfft2(fake - real, norm="ortho")
    return float(np.mean(np.abs(np.stack([d.real, d.imag]))))


def psnr(fake: np.ndarray, real: np.ndarray) -> float:
    """In dB, of two images in [-1, 1]."""
    return float(-10 * np.log10(np.mean(((fake + 1) / 2 - (real + 1) / 2) ** 2)))


def _correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    padded = np.pad(image, 1, mode="edge")
    height, width = image.shape
    parts = [
        kernel[i, j] * padded[i : i + height, j : j + width] for i in range(3) for j in range(3)
    ]
    return np.sum(parts, axis=0)
