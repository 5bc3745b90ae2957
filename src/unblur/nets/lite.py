"""A small U-Net of dense convolutions, most of its work at 1/8 size."""

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
        context: channels of a map at 1/16 size that is given beside the image, with a second image
            (`SpectralGenerator` does so); 0: neither is.
    """

    multiple = 8

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 64, 160),
        blocks: tuple[int, ...] = (1, 1, 6),
        reach: int = 32,
        attention: str = "crosshatch",
        context: int = 0,
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
        if context:
            # Nothing at first, so that weights trained without them can be gone on with.
            self.beside = nn.Conv2d(12, w0, 3, padding=1, bias=False)
            self.context = nn.Conv2d(context, w2, 1, bias=False)
            nn.init.zeros_(self.beside.weight)
            nn.init.zeros_(self.context.weight)

    def forward(
        self,
        image: Float[Tensor, "b 3 h w"],
        second: Float[Tensor, "b 3 h w"] | None = None,
        context: Float[Tensor, "b k i j"] | None = None,
    ) -> Float[Tensor, "b 3 h w"]:
        x0 = self.head(self.fold(image))
        if second is not None:
            x0 = x0 + self.beside(self.fold(second))
        x0 = self.encoder0(x0)
        x1 = self.encoder1(self.down0(x0))
        x2 = self.down1(x1)
        if context is not None:
            x2 = x2 + nn.functional.interpolate(self.context(context), scale_factor=2.0)
        x2 = self.trunk(x2)
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
