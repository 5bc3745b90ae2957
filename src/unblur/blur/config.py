"""The configuration of synthetic blur, and its presets."""

from __future__ import annotations

import math

import msgspec


class BlurConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Synthetic blur: B = C * H + N (eq. 1), with H the motion during the exposure, N the noise.

    A share is the part of the samples, from 0 to 1, that have the effect, drawn independently.
    """

    sharp_share: float = 0.08
    """Camera and scene at rest and in focus, so that networks learn to leave sharp photos alone."""
    max_length: float = 44.0
    """Longest path of the camera during the exposure, in pixels."""
    min_length: float = 0.3
    """Shortest path of a camera that moves."""
    sweep_share: float = 0.05
    """Straight paths of constant speed."""
    shake_share: float = 0.05
    """Random walks with impulses (Boracchi and Foi 2012). All other paths are smooth: the heading
    bends, the speed drifts."""
    squiggly_share: float = 0.35
    """Among the smooth paths: those with a random walk added."""
    strobe_share: float = 0.3
    """Exposures of 5 to 15 bursts with the shutter closed between them, as in averaged video."""
    varying_share: float = 0.86
    """Blur that may vary over the picture; in the others the camera only shifts."""
    roll_share: float = 0.58
    """Among those: the camera rolls, by up to 0.45 of `max_length` at the picture's rim."""
    zoom_share: float = 0.35
    """Among those: the camera moves along its axis, by up to 0.27 of `max_length` at the rim."""
    perspective_share: float = 0.12
    """Among those: a random part of its path is pitch and yaw."""
    depth_share: float = 0.7
    """Among those: parts of the scene are nearer than others, and shift by up to twice as much."""
    layer_share: float = 0.5
    """One object in front of the scene, or two in a quarter, each with a path of its own."""
    still_share: float = 0.3
    """Among those: the scene behind them (a fixed camera) or the objects rest."""
    together_share: float = 0.3
    """Objects that move along the camera's path, 0.4 to 1.6 times as far."""
    soft_share: float = 0.35
    """A soft lens, Gaussian of 0.3 to 0.9 pixels; the sharp image is as soft."""
    defocus_share: float = 0.07
    """The whole scene out of focus."""
    max_defocus: float = 3.3
    """Largest radius of the aperture's image, in pixels."""
    part_share: float = 0.0
    """Among those: only a part of the picture is out of focus, as behind or before the subject."""
    highlight_share: float = 0.3
    """Lights brighter than the sensor can hold, which leave streaks."""
    max_highlight: float = 6.0
    """How many times brighter, at the most."""
    signal_share: float = 0.4
    """Averaged as encoded values, the way GoPro's `blur` folder was made; the others are averaged
    in linear light."""
    gamma_share: float = 0.4
    """Encoded by a gamma of 2.2; what is left, by sRGB's curve or by a camera's."""
    bayer_share: float = 0.1
    """Bayer mosaic with random white balance, then demosaiced."""
    noise_share: float = 0.55
    """Poisson-Gaussian noise."""
    max_read_noise: float = 0.004
    """Largest standard deviation of the Gaussian part, full scale = 1, in linear light."""
    max_shot_noise: float = 0.0015
    """Largest variance of the Poisson part at full scale, in linear light."""
    jpeg_share: float = 0.4
    """JPEG of quality 55 to 98."""

    @property
    def margin(self) -> int:
        """Extra pixels around a crop into which the camera may move; few paths reach farther."""
        return math.ceil(0.9 * self.max_length)


PRESETS = {
    "mild": BlurConfig(
        max_length=15.0, max_defocus=2.0, max_read_noise=0.001, max_shot_noise=0.0005
    ),
    "real": BlurConfig(),
    "severe": BlurConfig(
        max_length=80.0, max_defocus=8.0, max_read_noise=0.01, max_shot_noise=0.005
    ),
}
"""Blur of three strengths; `real` is what networks are trained on."""
