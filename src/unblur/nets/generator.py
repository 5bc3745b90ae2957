"""What the generators have in common."""

from __future__ import annotations

import msgspec
from torch import nn


class NetworkConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of a generator; each has its own, in which its defaults stand."""


class Generator(nn.Module):
    """A network from blurred to sharp images, (b, 3, h, w) in [-1, 1].

    Constructors take a config, or its fields by keyword. The output is clipped to [-1, 1] in
    evaluation mode only, so that in training a value out of range still has a gradient.
    """

    multiple: int
    """Height and width are multiples of this, in pixels."""
    smallest = 1
    """Least height and width, in pixels."""
    uses_change_mask = True
    """Whether pixels that need no deblurring are left unchanged when photos are deblurred."""
