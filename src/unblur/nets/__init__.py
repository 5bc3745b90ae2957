"""The networks: the paper's two, the small default, and the attention that they share."""

from unblur.nets.attention import CrosshatchAttention
from unblur.nets.lite import LiteGenerator
from unblur.nets.paper import Discriminator, PaperGenerator

__all__ = ["CrosshatchAttention", "Discriminator", "LiteGenerator", "PaperGenerator"]
