"""The paper's losses, each a function of images or scores; `HybridLoss` adds them up.

Images are (b, 3, h, w) in [-1, 1]; scores are the discriminator's, in [0, 1]. Every loss is a
scalar tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Image = Float[Tensor, "b 3 h w"]
Scores = Float[Tensor, "b 1"]
Scalar = Float[Tensor, ""]


class LossConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights of the hybrid loss (eq. 2). A term of weight 0 is not computed."""

    adversarial: float = 4.0
    content: float = 0.6
    pixel: float = 40.0
    gradient: float = 40.0
    frequency: float = 0.0
    """Not in the paper: difference of the Fourier transforms."""
    psnr: float = 0.0
    """Not in the paper: the log of each image's mean squared error (`losses.psnr_loss`)."""
    pixel_kind: Literal["smooth_l1", "charbonnier"] = "smooth_l1"
    symmetric: bool = False
    """Adds the second term of the relativistic generator loss, which the paper leaves out."""
    content_network: Literal["vgg19", "vgg19-small"] = "vgg19"
    """ImageNet's VGG-19, or a distilled one of 16 times fewer filters; both after conv3_3."""
    content_weights: str = ""
    """File with the content network's weights; it may be of either network, and decides."""


def discriminator_loss(real: Scores, fake: Scores) -> Scalar:
    """Relativistic least squares (eq. 3): real should score 1 above the mean fake, fake 1 below.

    `D = 1/2 E[(R - E[F] - 1)^2] + 1/2 E[(F - E[R] + 1)^2]`, E the mean over the batch.
    """
    return (_square(real - fake.mean() - 1) + _square(fake - real.mean() + 1)) / 2


def generator_loss(real: Scores, fake: Scores, symmetric: bool = False) -> Scalar:
    """Relativistic least squares (eq. 4): fake should score 1 above the mean real.

    `G = 1/2 E[(F - E[R] - 1)^2]`; `symmetric` adds the literature's second term,
    `1/2 E[(R - E[F] + 1)^2]` (Jolicoeur-Martineau 2018), which the paper leaves out.
    """
    loss = _square(fake - real.mean() - 1) / 2
    if symmetric:
        loss = loss + _square(real - fake.mean() + 1) / 2
    return loss


def content_loss(features: Callable[[Image], Tensor], fake: Image, real: Image) -> Scalar:
    """Mean squared difference of a pretrained network's features (Johnson et al. 2016)."""
    with torch.no_grad():
        target = features(real)
    return F.mse_loss(features(fake), target)


def pixel_loss(fake: Image, real: Image, kind: str = "smooth_l1") -> Scalar:
    """Mean over pixels of a penalty of the difference d.

    Args:
        kind: `smooth_l1`, the paper's, beta 1: d^2 / 2 where |d| < 1, else |d| - 1/2; or
            `charbonnier`: sqrt(d^2 + 0.001^2) (Lai et al. 2017).

    Raises:
        ValueError: for any other kind.
    """
    if kind == "smooth_l1":
        return F.smooth_l1_loss(fake, real, beta=1.0)
    if kind == "charbonnier":
        return torch.sqrt((fake - real) ** 2 + 1e-6).mean()
    raise ValueError(f"pixel loss must be smooth_l1 or charbonnier, not {kind!r}")


def gradient_loss(fake: Image, real: Image) -> Scalar:
    """Mean absolute difference of the Sobel gradients, over both directions.

    The kernels are the plain ones (1, 2, 1 times -1, 0, 1); the border is replicated.
    """
    return sobel(fake - real).abs().mean()


def frequency_loss(fake: Image, real: Image) -> Scalar:
    """Mean absolute difference of the real and imaginary parts of the 2-D Fourier transforms.

    After MIMO-UNet (Cho et al. 2021), with an orthonormal transform, so that the loss does not
    depend on the crop's size.
    """
    spectrum = torch.fft.rfft2(fake - real, norm="ortho")
    return torch.view_as_real(spectrum).abs().mean()


def psnr_loss(fake: Image, real: Image, floor: float = 3e-5) -> Scalar:
    """Mean over images of log(mse + floor), the mean squared error in units of white = 1.

    Falls by 0.23 for each dB of PSNR (Chen et al. 2021, "HINet"), however much an image is blurred.
    The default floor is 45 dB: without one a sharp image would outweigh all others.
    """
    error = ((fake - real) / 2).square().mean((1, 2, 3))
    return torch.log(error + floor).mean()


class HybridLoss(nn.Module):
    """The generator's loss (eq. 2): adversarial + content + pixel + gradient, each weighted.

    Args:
        config: the weights (the paper: 4, 0.6, 40, 40) and the kinds.
        features: the content network; needed only if the content weight is not 0.
        discriminator: needed only if the adversarial weight is not 0.

    Raises:
        ValueError: if a network with a weight that is not 0 is missing.
    """

    def __init__(
        self,
        config: LossConfig,
        features: Callable[[Image], Tensor] | None = None,
        discriminator: Callable[[Image], Tensor] | None = None,
    ) -> None:
        super().__init__()
        if config.content and features is None:
            raise ValueError("the content loss needs a content network")
        if config.adversarial and discriminator is None:
            raise ValueError("the adversarial loss needs a discriminator")
        self.config: LossConfig = config
        self.features: Callable[[Image], Tensor] | None = features
        self.discriminator: Callable[[Image], Tensor] | None = discriminator

    def forward(self, fake: Image, real: Image) -> dict[str, Tensor]:
        """Each term by name, unweighted, and their weighted sum as `total`.

        A term with weight 0 is neither computed nor returned.
        """
        config = self.config
        fake, real = fake.float(), real.float()
        terms: dict[str, Tensor] = {}
        if config.adversarial and self.discriminator is not None:
            with torch.no_grad():
                scores = self.discriminator(real)
            own = self.discriminator(fake)
            terms["adversarial"] = generator_loss(scores, own, config.symmetric)
        if config.content and self.features is not None:
            terms["content"] = content_loss(self.features, fake, real)
        if config.pixel:
            terms["pixel"] = pixel_loss(fake, real, config.pixel_kind)
        if config.gradient:
            terms["gradient"] = gradient_loss(fake, real)
        if config.frequency:
            terms["frequency"] = frequency_loss(fake, real)
        if config.psnr:
            terms["psnr"] = psnr_loss(fake, real)
        return {**terms, "total": torch.stack([*self.weighted(terms).values()]).sum()}

    def weighted(self, terms: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The terms that `forward` gives, each times its weight, without their total."""
        return {n: getattr(self.config, n) * v for n, v in terms.items() if n != "total"}


def gradient_norms(
    terms: Mapping[str, Scalar], parameters: Iterable[nn.Parameter]
) -> dict[str, Scalar]:
    """The Euclidean norm of each term's gradient with respect to all parameters together.

    The terms can be differentiated again; the parameters are left without gradients.
    """
    parameters = list(parameters)
    found = {}
    for name, term in terms.items():
        term.backward(retain_graph=True)
        norms = [p.grad.float().norm() for p in parameters if p.grad is not None]
        found[name] = torch.stack(norms).norm()
        for parameter in parameters:
            parameter.grad = None
    return found


def sobel(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 2*c h w"]:
    """Horizontal and vertical Sobel gradients of each channel, the border replicated."""
    # Made on the device: a CUDA graph cannot hold a copy from the host.
    slope = torch.arange(-1, 2, dtype=image.dtype, device=image.device)
    smooth = 2 - slope.abs()
    kernels = torch.stack([torch.outer(smooth, slope), torch.outer(slope, smooth)])
    channels = image.shape[1]
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, kernels[:, None].repeat(channels, 1, 1, 1), groups=channels)


def _square(x: Tensor) -> Tensor:
    return (x**2).mean()
