"""The default network: a U-Net of gated blocks that begins at half size."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from unblur.nets.generator import Generator, NetworkConfig

SPAN = 11
"""Cells, along each side, over which a block's context is averaged."""
CELL = 16
"""Side of a cell in pixels of the image; context reaches SPAN * CELL / 2 = 88 pixels."""


class GatedUNetConfig(NetworkConfig, frozen=True):
    """The shape of `GatedUNet`."""

    widths: tuple[int, ...] = (48, 96, 192)
    """Channels at 1/2, 1/4 and 1/8 size."""
    blocks: tuple[int, ...] = (1, 1, 16)
    """Blocks of each level on the way down."""
    decoder_blocks: tuple[int, ...] = (1, 1)
    """Blocks at 1/2 and 1/4 size on the way up."""


class GatedUNet(Generator):
    """The default network; sides are multiples of 16.

    The image is folded to half size (pixel unshuffle), for a quarter of the time: what motion
    removes lies below half of a picture's frequencies. Three levels of gated blocks (Chen et al.
    2022, "Simple baselines for image restoration"), most at the coarsest, have additive skips. The
    last convolution starts small, so a new network nearly returns its input.
    """

    multiple = CELL
    # With fewer than 17 positions at 1/8 size OpenVINO's 8-bit convolutions read out of bounds.
    smallest = 64

    def __init__(self, config: GatedUNetConfig | None = None, **shape: Any) -> None:
        super().__init__()
        config = config or GatedUNetConfig(**shape)
        w0, w1, w2 = config.widths
        blocks, decoder_blocks = config.blocks, config.decoder_blocks
        self.fold: nn.PixelUnshuffle = nn.PixelUnshuffle(2)
        self.head: nn.Conv2d = nn.Conv2d(12, w0, 3, padding=1)
        self.encoder0: nn.Sequential = _level(w0, blocks[0], CELL // 2)
        self.down0: nn.Conv2d = nn.Conv2d(w0, w1, 2, stride=2)
        self.encoder1: nn.Sequential = _level(w1, blocks[1], CELL // 4)
        self.down1: nn.Conv2d = nn.Conv2d(w1, w2, 2, stride=2)
        self.middle: nn.Sequential = _level(w2, blocks[2], CELL // 8)
        self.up1: nn.Conv2d = nn.Conv2d(w2, 4 * w1, 1)
        self.decoder1: nn.Sequential = _level(w1, decoder_blocks[1], CELL // 4)
        self.up0: nn.Conv2d = nn.Conv2d(w1, 4 * w0, 1)
        self.decoder0: nn.Sequential = _level(w0, decoder_blocks[0], CELL // 2)
        self.tail: nn.Conv2d = nn.Conv2d(w0, 12, 3, padding=1)
        self.unfold: nn.PixelShuffle = nn.PixelShuffle(2)
        with torch.no_grad():
            self.tail.weight.mul_(0.1)
            nn.init.zeros_(self.tail.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        return self.with_features(image)[0]

    def with_features(
        self, image: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b c i j"]]:
        """The restored image, and the map at 1/8 size that the way up starts from."""
        x0 = self.encoder0(self.head(self.fold(image)))
        x1 = self.encoder1(self.down0(x0))
        x2 = self.middle(self.down1(x1))
        x1 = self.decoder1(self.unfold(self.up1(x2)) + x1)
        x0 = self.decoder0(self.unfold(self.up0(x1)) + x0)
        out = image + self.unfold(self.tail(x0))
        return (out if self.training else out.clamp(-1, 1)), x2


class GatedBlock(nn.Module):
    """Two residual branches, one spatial, one across channels; both multiply their halves.

    `x + scale1 * project1(g * context(local_mean(g)))` with g the product of the halves of
    `depthwise(expand1(norm1(x)))`; then `x + scale2 * project2(h)` with h the product of the
    halves of `expand2(norm2(x))`. Unlike NAFNet's, the norm subtracts no mean, and channel
    attention averages over the surroundings, not over the whole image, so that training crops,
    tiles and photos have the same context.

    Args:
        channels: of the map that goes in and comes out.
        cell: side of a cell in pixels of the map; height and width are multiples of it.
    """

    def __init__(self, channels: int, cell: int) -> None:
        super().__init__()
        self.cell = cell
        self.norm1: RMSNorm = RMSNorm(channels)
        self.expand1: nn.Conv2d = nn.Conv2d(channels, 2 * channels, 1)
        self.depthwise: nn.Conv2d = nn.Conv2d(
            2 * channels, 2 * channels, 3, padding=1, groups=2 * channels
        )
        self.context: nn.Conv2d = nn.Conv2d(channels, channels, 1)
        self.project1: nn.Conv2d = nn.Conv2d(channels, channels, 1)
        self.scale1: nn.Parameter = nn.Parameter(torch.full((channels, 1, 1), 0.2))
        self.norm2: RMSNorm = RMSNorm(channels)
        self.expand2: nn.Conv2d = nn.Conv2d(channels, 2 * channels, 1)
        self.project2: nn.Conv2d = nn.Conv2d(channels, channels, 1)
        self.scale2: nn.Parameter = nn.Parameter(torch.full((channels, 1, 1), 0.2))
        # The initial attention is 1 everywhere.
        nn.init.zeros_(self.context.weight)
        nn.init.ones_(self.context.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        value, gate = self.depthwise(self.expand1(self.norm1(x))).chunk(2, 1)
        y = value * gate
        y = y * F.interpolate(self.context(local_mean(y, self.cell)), scale_factor=self.cell)
        x = x + self.scale1.to(x.dtype) * self.project1(y)
        value, gate = self.expand2(self.norm2(x)).chunk(2, 1)
        return x + self.scale2.to(x.dtype) * self.project2(value * gate)


class RMSNorm(nn.Module):
    """Divides each pixel by the root mean square of its channels (Zhang and Sennrich 2019).

    Computed in float32 whatever comes in. Each channel has a weight and a bias.
    """

    epsilon: float = 1e-6
    """Added to the mean square, which may be 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight: nn.Parameter = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias: nn.Parameter = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        full = x.float()
        inverse = torch.rsqrt(full.square().mean(1, keepdim=True) + self.epsilon)
        return (full * inverse * self.weight + self.bias).to(x.dtype)


def local_mean(x: Float[Tensor, "b c h w"], cell: int) -> Float[Tensor, "b c i j"]:
    """The mean of each cell and the `SPAN` x `SPAN` cells around it that are in the picture."""
    cells = F.avg_pool2d(x, cell)
    for side in ((SPAN, 1), (1, SPAN)):
        around = (side[0] // 2, side[1] // 2)
        cells = F.avg_pool2d(cells, side, 1, around, count_include_pad=False)
    return cells


def _level(channels: int, count: int, cell: int) -> nn.Sequential:
    return nn.Sequential(*(GatedBlock(channels, cell) for _ in range(count)))
