"""The networks: the default, the paper's two, its baseline, and their attention."""

from unblur.nets.attention import CrissCrossAttention, CrosshatchAttention
from unblur.nets.deblurgan import DeblurGANGenerator
from unblur.nets.gated_unet import GatedUNet
from unblur.nets.paper import Discriminator, PaperGenerator

Generator = GatedUNet | PaperGenerator | DeblurGANGenerator

__all__ = [
    "CrissCrossAttention",
    "CrosshatchAttention",
    "DeblurGANGenerator",
    "Discriminator",
    "GatedUNet",
    "Generator",
    "PaperGenerator",
]
