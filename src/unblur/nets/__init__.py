"""The networks: the paper's two, its baseline, the small default, and their attention."""

from unblur.nets.attention import CrissCrossAttention, CrosshatchAttention
from unblur.nets.deblurgan import DeblurGANGenerator
from unblur.nets.lite import LiteGenerator
from unblur.nets.paper import Discriminator, PaperGenerator
from unblur.nets.spectral import SpectralGenerator

Generator = SpectralGenerator | LiteGenerator | PaperGenerator | DeblurGANGenerator

__all__ = [
    "CrissCrossAttention",
    "CrosshatchAttention",
    "DeblurGANGenerator",
    "Discriminator",
    "Generator",
    "LiteGenerator",
    "PaperGenerator",
    "SpectralGenerator",
]
