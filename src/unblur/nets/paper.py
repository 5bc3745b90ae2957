"""The paper's two networks: a residual generator with crosshatch attention, a discriminator."""

from __future__ import annotations

from typing import Any

import msgspec
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from unblur.nets.attention import Attention, attention
from unblur.nets.generator import Generator, NetworkConfig


class PaperConfig(NetworkConfig, frozen=True):
    """The shape of `PaperGenerator`; the values are the paper's."""

    attention: Attention = "crosshatch"
    """A kind of `nets.attention`: "crosshatch" is the paper's."""
    widths: tuple[int, ...] = (64, 256, 512)
    """Filters of layers 1 to 3."""
    trunk: int = 256
    """Filters of the residual blocks."""
    up: tuple[int, ...] = (128, 64)
    """Filters of the two up-samplings."""
    blocks: int = 9
    """Residual blocks, each followed by attention."""
    dropout: float = 0.5
    """Probability inside each residual block."""
    leak: float = 0.0
    """Slope below 0 of those ReLUs that the paper does not name."""


class DiscriminatorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape and learning rate of `Discriminator`.

    The paper gives neither depth nor widths: five of 64 to 512 leave an 8 x 8 map of a 256 x 256
    image.
    """

    size: int = 256
    """Side of the square input, in pixels, a multiple of 2 ** len(widths); the crop of phases with
    an adversarial weight."""
    widths: tuple[int, ...] = (64, 128, 256, 512, 512)
    """Filters of each stride-2 convolution."""
    lr: float = 1e-4
    """Adam's learning rate."""


class PaperGenerator(Generator):
    """The paper's generator; sides are multiples of 4.

    7x7 convolution (64 filters); two 3x3 of stride 2 (256, 512); nine residual blocks of 256
    filters, each followed by crosshatch attention; two nearest-neighbour up-samplings with a 3x3
    convolution each (128, 64: the paper gives no number); 7x7 convolution to RGB, added to the
    input. Where the paper names no activation, ReLU stands between convolutions.
    """

    multiple = 4
    uses_change_mask = False

    def __init__(self, config: PaperConfig | None = None, **shape: Any) -> None:
        super().__init__()
        config = config or PaperConfig(**shape)
        self.leak: float = config.leak
        trunk = config.trunk
        w1, w2, w3 = config.widths
        u1, u2 = config.up
        self.layer1: nn.Conv2d = _conv7(3, w1)
        self.layer2: nn.Conv2d = nn.Conv2d(w1, w2, 3, stride=2, padding=1)
        self.layer3: nn.Conv2d = nn.Conv2d(w2, w3, 3, stride=2, padding=1)
        layers: list[nn.Module] = []
        for index in range(config.blocks):
            layers.append(PreActivationBlock(w3 if index == 0 else trunk, trunk, config.dropout))
            layers.append(attention(config.attention, trunk))
        self.trunk: nn.Sequential = nn.Sequential(*layers)
        self.up1: nn.Conv2d = nn.Conv2d(trunk, u1, 3, padding=1)
        self.up2: nn.Conv2d = nn.Conv2d(u1, u2, 3, padding=1)
        self.layer4: nn.Conv2d = _conv7(u2, 3)
        self.upsample: nn.Upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self._initialise()

    @torch.no_grad()
    def _initialise(self) -> None:
        """Sets the initial weights, which the paper does not give, close to the identity.

        With PyTorch's defaults the signal fades layer by layer, and the first steps close ReLUs
        for good. So: He et al. 2015 for the layers around the trunk, a tenth of it in the blocks,
        whose input then dominates, and 1e-4 for the last layer.
        """
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Conv2d) and name.split(".")[-1] not in _OF_ATTENTION:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if name.endswith(".conv"):
                    layer.weight.mul_(0.1)
                assert layer.bias is not None
                layer.bias.zero_()
        nn.init.normal_(self.layer4.weight, std=1e-4)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        x = self._relu(self.layer1(image))
        x = self.layer3(self._relu(self.layer2(x)))
        x = self.trunk(x)
        x = self._relu(self.up1(self.upsample(self._relu(x))))
        x = self._relu(self.up2(self.upsample(x)))
        out = image + self.layer4(x)
        return out if self.training else out.clamp(-1, 1)

    def _relu(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.leak) if self.leak else F.relu(x)


_OF_ATTENTION = ("query", "key", "value")


class PreActivationBlock(nn.Module):
    """Batch norm, ReLU, 3x3 convolution, dropout, plus the shortcut.

    The shortcut is the identity; where the channel counts differ (512 to 256, the first block) it
    is a 1x1 projection (He et al. 2016).
    """

    def __init__(self, channels: int, out: int, dropout: float) -> None:
        super().__init__()
        self.norm: nn.BatchNorm2d = nn.BatchNorm2d(channels)
        self.conv: nn.Conv2d = nn.Conv2d(channels, out, 3, padding=1)
        self.dropout: nn.Dropout = nn.Dropout(dropout)
        self.shortcut: nn.Identity | nn.Conv2d = (
            nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        return self.shortcut(x) + self.dropout(self.conv(torch.relu(self.norm(x))))


class Discriminator(nn.Module):
    """How real an image looks: `size` x `size` x 3 in [-1, 1] to one number in [0, 1].

    A 3x3 convolution of stride 2, batch norm and LeakyReLU(0.2) for each entry of `widths`, then
    flatten, dense, sigmoid. Batch norm has its own offset, so the convolutions have none.

    Raises:
        ValueError: if the size is not a multiple of 2 ** len(widths), or an image of another size
            comes in.
    """

    def __init__(self, config: DiscriminatorConfig | None = None, **shape: Any) -> None:
        super().__init__()
        config = config or DiscriminatorConfig(**shape)
        size, widths = config.size, config.widths
        if size % 2 ** len(widths):
            raise ValueError(f"size ({size}) must be a multiple of {2 ** len(widths)}")
        self.size = size
        layers: list[nn.Module] = []
        for before, after in zip((3, *widths), widths, strict=False):
            conv = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.features: nn.Sequential = nn.Sequential(*layers)
        self.dense: nn.Linear = nn.Linear(widths[-1] * (size >> len(widths)) ** 2, 1)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1"]:
        if image.shape[-2:] != (self.size, self.size):
            got = f"{image.shape[-1]}x{image.shape[-2]}"
            raise ValueError(f"the discriminator takes {self.size}x{self.size} images, not {got}")
        return torch.sigmoid(self.dense(self.features(image).flatten(1)))


def _conv7(channels: int, out: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 7, padding=3, padding_mode="reflect")
