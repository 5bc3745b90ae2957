"""The default network: a small U-Net of dense convolutions, most of its work at 1/8 size."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unblur.nets.attention import attention as attention_of


class LiteGenerator(nn.Module):
    """Blurred image in, sharp image out, both in [-1, 1], any H x W that is a multiple of 8.

    The image is folded to half size (pixel unshuffle), so no layer works at full resolution.
    Three scales (1/2, 1/4, 1/8) of residual blocks without normalisation (EDSR, Lim et al. 2017:
    batch norm loses the image's scale); additive skips join encoder and decoder; crosshatch
    attention sits in the middle and at the end of the coarsest scale. Plain 3x3 convolutions are
    what a CPU does fastest. The last convolution starts small, so a new network nearly returns
    its input.

    Args:
        widths: channels at 1/2, 1/4 and 1/8 size.
        blocks: residual blocks at each scale (the finer two: in the encoder and again in the
            decoder).
        reach: how far attention looks along a row and a column, in pixels of the 1/8 map; 0: as
            far as they go.
        attention: a kind of `nets.attention`: "crosshatch", "criss-cross" or "none".
    """

    multiple = 8

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 64, 160),
        blocks: tuple[int, ...] = (1, 1, 6),
        reach: int = 32,
        attention: str = "crosshatch",
    ) -> None:
        super().__init__()
        w0, w1, w2 = widths
        n0, n1, n2 = blocks
        self.fold = nn.PixelUnshuffle(2)
        self.head = nn.Conv2d(12, w0, 3, padding=1)
        self.encoder0 = _blocks(w0, n0)
        self.down0 = nn.Conv2d(w0, w1, 2, stride=2)
        self.encoder1 = _blocks(w1, n1)
        self.down1 = nn.Conv2d(w1, w2, 2, stride=2)
        self.trunk = nn.Sequential(
            _blocks(w2, n2 // 2),
            attention_of(attention, w2, reach=reach or None),
            _blocks(w2, n2 - n2 // 2),
            attention_of(attention, w2, reach=reach or None),
        )
        self.up1 = _up(w2, w1)
        self.decoder1 = _blocks(w1, n1)
        self.up0 = _up(w1, w0)
        self.decoder0 = _blocks(w0, n0)
        self.tail = nn.Conv2d(w0, 12, 3, padding=1)
        self.unfold = nn.PixelShuffle(2)
        with torch.no_grad():
            for parameter in self.tail.parameters():
                parameter.mul_(0.05)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        x0 = self.encoder0(self.head(self.fold(image)))
        x1 = self.encoder1(self.down0(x0))
        x2 = self.trunk(self.down1(x1))
        x1 = self.decoder1(self.up1(x2) + x1)
        x0 = self.decoder0(self.up0(x1) + x0)
        out = image + self.unfold(self.tail(x0))
        return out if self.training else out.clamp(-1, 1)


class ResidualBlock(nn.Module):
    """`x + conv(relu(conv(x)))`; the second convolution starts small, so depth starts tame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.kaiming_normal_(self.conv1.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.conv2.weight, nonlinearity="linear")
        with torch.no_grad():
            self.conv2.weight.mul_(0.2)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.conv2(torch.relu(self.conv1(x)))


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


def _up(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, 4 * out, 1), nn.PixelShuffle(2))
