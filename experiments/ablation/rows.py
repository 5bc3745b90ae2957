"""The rows of the ablation: the values of the reference's config that each replaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from unblur.nets.deblurgan import DeblurGANConfig
from unblur.training.config import TrainConfig

REFERENCE = "crosshatch"
"""The row without a change, with which the others are compared unless they name another."""


@dataclass(frozen=True)
class Row:
    """One change of the reference; each mapping replaces values of one table of the config.

    Attributes:
        about: description for the table.
        against: name of the row with which it is compared.
    """

    about: str
    against: str = REFERENCE
    run: Mapping[str, Any] = field(default_factory=dict)
    paper: Mapping[str, Any] = field(default_factory=dict)
    phase: Mapping[str, Any] = field(default_factory=dict)
    loss: Mapping[str, Any] = field(default_factory=dict)

    def of(self, base: TrainConfig) -> TrainConfig:
        """The row's config, given the reference's, which has one phase."""
        (phase,) = base.phases
        phase = replace(phase, loss=replace(phase.loss, **self.loss), **self.phase)
        network = replace(base.network, **self.paper)
        return replace(base, **{"phases": (phase,), "network": network, **self.run})


def _plain(about: str, attention: str) -> Row:
    """A row trained with a loss that rewards PSNR, for more steps and on larger crops."""
    return Row(
        about,
        against="plain",
        run={"check_every": 3000},
        paper={"attention": attention},
        phase={"steps": 3000, "crop": 96, "batch": 4},
        loss={
            "adversarial": 0.0, "content": 0.0, "pixel": 1.0, "gradient": 0.05, "frequency": 0.2,
            "pixel_kind": "charbonnier",
        },
    )  # fmt: skip


ROWS = {
    REFERENCE: Row("The reference: the paper's generator and loss, trained as the paper has it"),
    "criss-cross": Row(
        "Criss-cross attention, CCNet's: one joint softmax over row and column",
        paper={"attention": "criss-cross"},
    ),
    "no-attention": Row("No attention", paper={"attention": "none"}),
    "no-adversarial": Row(
        "Without the adversarial term, and so without a discriminator", loss={"adversarial": 0.0}
    ),
    "no-content": Row("Without the content term", loss={"content": 0.0}),
    "no-pixel": Row("Without the pixel term", loss={"pixel": 0.0}),
    "no-gradient": Row("Without the gradient term", loss={"gradient": 0.0}),
    "one-discriminator-step": Row(
        "One step of the discriminator for each of the generator, not five",
        phase={"discriminator_steps": 1},
    ),
    "deblurgan": Row(
        "DeblurGAN's generator, scaled alike", run={"network": DeblurGANConfig((12, 24, 48))}
    ),
    "plain": _plain(
        "Crosshatch attention under Charbonnier, a little gradient and frequency, longer and on "
        "larger crops",
        "crosshatch",
    ),
    "plain+criss-cross": _plain("Criss-cross attention under the loss of plain", "criss-cross"),
    "plain+no-attention": _plain("No attention under the loss of plain", "none"),
}
