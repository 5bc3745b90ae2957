"""Training, from a config and folders to a run folder: the loop, and what it goes round."""

from unblur.training.loop import Progress, Result, train

__all__ = ["Progress", "Result", "train"]
