"""How blurred photos are, and where: scores, pictures of the blur, the sharpest of a burst."""

from unblur.inspection.summary import Inspection, inspect_source, summarise

__all__ = ["Inspection", "inspect_source", "summarise"]
