"""The generator of DeblurGAN, from which the paper's is made: its baseline."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from unblur.nets.generator import Generator, NetworkConfig


class DeblurGANConfig(NetworkConfig, frozen=True):
    """The shape of `DeblurGANGenerator`; the values are Kupyn et al.'s (2018)."""

    widths: tuple[int, ...] = (64, 128, 256)
    """Filters at full, half and quarter size."""
    blocks: int = 9
    """Residual blocks."""
    dropout: float = 0.5
    """Probability inside each residual block."""


class DeblurGANGenerator(Generator):
    """The generator of Kupyn et al. 2018, section 3.3; sides are multiples of 4.

    7x7 convolution (64 filters); two 3x3 of stride 2 (128, 256); nine residual blocks; two
    transposed 3x3 convolutions of stride 2 (128, 64); 7x7 convolution to RGB, tanh, added to the
    input. Instance norm (without scale and offset) and ReLU follow every convolution but the last.
    No attention.

    Weights start normal with deviation 0.02, as in the original, which clips its output in
    training too. Instance norm takes its statistics over the whole image that it is given.
    """

    multiple = 4
    uses_change_mask = False

    def __init__(self, config: DeblurGANConfig | None = None, **shape: Any) -> None:
        super().__init__()
        config = config or DeblurGANConfig(**shape)
        w0, w1, w2 = config.widths
        # Instance norm removes an offset, so one before it could not learn.
        up: dict[str, Any] = {"stride": 2, "padding": 1, "output_padding": 1, "bias": False}
        self.layers: nn.Sequential = nn.Sequential(
            *_normed(nn.Conv2d(3, w0, 7, padding=3, padding_mode="reflect", bias=False)),
            *_normed(nn.Conv2d(w0, w1, 3, stride=2, padding=1, bias=False)),
            *_normed(nn.Conv2d(w1, w2, 3, stride=2, padding=1, bias=False)),
            *(TwoConvolutionBlock(w2, config.dropout) for _ in range(config.blocks)),
            *_normed(nn.ConvTranspose2d(w2, w1, 3, **up)),
            *_normed(nn.ConvTranspose2d(w1, w0, 3, **up)),
            nn.Conv2d(w0, 3, 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.normal_(layer.weight, 0.0, 0.02)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        out = image + self.layers(image)
        return out if self.training else out.clamp(-1, 1)


class TwoConvolutionBlock(nn.Module):
    """`x + norm(conv(dropout(relu(norm(conv(x))))))`, 3x3, reflect padding."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        first, second = (
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect", bias=False)
            for _ in range(2)
        )
        norm = nn.InstanceNorm2d(channels)
        self.layers: nn.Sequential = nn.Sequential(
            *_normed(first), nn.Dropout(dropout), second, norm
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.layers(x)


def _normed(conv: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [conv, nn.InstanceNorm2d(conv.out_channels), nn.ReLU()]
