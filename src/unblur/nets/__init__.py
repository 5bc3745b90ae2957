"""The networks: the default, the paper's two, its baseline, and their attention."""

from unblur.nets.attention import CrissCrossAttention, CrosshatchAttention
from unblur.nets.deblurgan import DeblurGANConfig, DeblurGANGenerator
from unblur.nets.gated_unet import GatedUNet, GatedUNetConfig
from unblur.nets.generator import Generator, NetworkConfig
from unblur.nets.paper import Discriminator, PaperConfig, PaperGenerator

NETWORKS: dict[str, tuple[type[NetworkConfig], type[Generator]]] = {
    "gated-unet": (GatedUNetConfig, GatedUNet),
    "paper": (PaperConfig, PaperGenerator),
    "deblurgan": (DeblurGANConfig, DeblurGANGenerator),
}
"""Every generator by the name that a training configuration gives it."""


def name_of(config: NetworkConfig) -> str:
    """The name in `NETWORKS` of the generator that a config is of."""
    return next(name for name, (kind, _) in NETWORKS.items() if type(config) is kind)


def table_of(name: str) -> str:
    """The key of a generator's table in a training configuration."""
    return name.replace("-", "_")


def build_generator(config: NetworkConfig) -> Generator:
    """The untrained generator of a config."""
    return NETWORKS[name_of(config)][1](config)


__all__ = [
    "NETWORKS",
    "CrissCrossAttention",
    "CrosshatchAttention",
    "DeblurGANGenerator",
    "Discriminator",
    "GatedUNet",
    "Generator",
    "NetworkConfig",
    "PaperGenerator",
    "build_generator",
    "name_of",
    "table_of",
]
